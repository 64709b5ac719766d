package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Lane is the Caller and Forwarder of a thread that handles aliens' traps (linuxabi). Begin starts a trap; then each mutating
// request is one step of it, and its id is (alien, trap count, step).
type Lane struct {
	K    uk.Kernel
	Rank uint32 // the caller's rank, which says where its step numbers go in an id's path (R7)

	// Step is the number of the last mutating request. A handler that goes on from a record sets it to what it was then, so that
	// a recorded step is sent again under the same id.
	Step uint16

	// Save makes the next mutating request (or the answer) save Record and RecordHandle in the same kernel call.
	Save         bool
	Record       [uabi.RecordWords]uint64
	RecordHandle [uabi.MaxHandles]uabi.Handle

	buf  *uk.Buffer // K's, once it was needed
	wait uabi.WaitSpec
}

// Begin starts the trap that was just received.
func (l *Lane) Begin() {
	in := l.Buffer().In
	l.Step = 0
	l.Save = false
	l.Record = in.Record
	l.RecordHandle = in.RecordHandle
}

// Buffer implements Caller.
func (l *Lane) Buffer() *uk.Buffer {
	if l.buf == nil {
		l.buf = l.K.Buf()
	}
	return l.buf
}

// LastWait implements Caller.
func (l *Lane) LastWait() uabi.WaitSpec { return l.wait }

// Exchange implements Caller.
func (l *Lane) Exchange(h uabi.Handle, method uint32, mutates bool) uabi.Error {
	b := l.Buffer()
	b.Out.Kind = uabi.KindCall
	l.fill(b, method, mutates)
	err := l.K.Call(h)
	if err == uabi.ErrWait {
		l.wait = b.Out.Wait
	}
	return err
}

// Forward implements Forwarder. The caller then answers the trap with Reply or ReplyReceive.
func (l *Lane) Forward(h uabi.Handle, method uint32, mutates bool) uabi.Error {
	b := l.Buffer()
	if b.Out.Len > uabi.MaxForward {
		return uabi.ErrSize
	}
	l.fill(b, method, mutates)
	b.Out.Kind = uabi.AnswerForward
	b.Out.Target = h
	return uabi.OK
}

// fill completes Out: the header words that clients do not know.
func (l *Lane) fill(b *uk.Buffer, method uint32, mutates bool) {
	m := b.Out
	m.Flags = b.In.Flags & uabi.FlagInterrupt
	m.Method = method
	m.Status = 0
	if !mutates {
		m.ID = uabi.ID{}
		return
	}
	l.Step++
	m.ID.Origin = b.In.ID.Origin
	m.ID.Trap = b.In.ID.Trap
	m.ID.Path = uint64(l.Step) << uabi.PathShift(l.Rank)
	if l.Save {
		l.Save = false
		m.Flags |= uabi.FlagSaveRecord
		m.Record = l.Record
		m.RecordHandle = l.RecordHandle
	}
}

var (
	_ Caller    = (*Thread)(nil)
	_ Caller    = (*Lane)(nil)
	_ Forwarder = (*Lane)(nil)
)
