package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Thread is the Caller of a native program that serves nobody. Its requests have ids of their own: the process as origin and a
// counter that never goes back, not even when the program is started again in place.
//
// A server keeps the replies of an origin's newest request only, so the threads of one process that call at the same time
// must each have another lane number.
type Thread struct {
	K    uk.Kernel
	id   uabi.ID
	wait uabi.WaitSpec
}

// Bits of an originator's id (uabi.ID): process, lane within it, and in Trap the process's start.
const (
	laneShift  = 32
	startShift = 40
)

// NewThread makes the Caller of the current thread, whose message buffer is attached. lane distinguishes the threads of a process.
func NewThread(k uk.Kernel, lane uint16) (*Thread, uabi.Error) {
	if k.Buf() == nil {
		return nil, uabi.ErrArg
	}
	info := new(uabi.ProcessInfo)
	if err := k.ProcessInfo(uabi.BootProcess, info); err != uabi.OK {
		return nil, err
	}
	t := &Thread{K: k}
	t.id.Origin = uabi.OriginProcess | uint64(lane)<<laneShift | info.ID
	t.id.Trap = info.Starts << startShift
	t.id.Path = 1 << uabi.PathShift(uabi.RankLinux)
	return t, uabi.OK
}

// Buffer implements Caller.
func (t *Thread) Buffer() *uk.Buffer { return t.K.Buf() }

// LastWait implements Caller.
func (t *Thread) LastWait() uabi.WaitSpec { return t.wait }

// Exchange implements Caller. Each call is a new request; a request that was answered ErrWait committed nothing, so sending it
// again under the next id is right.
func (t *Thread) Exchange(h uabi.Handle, method uint32, mutates bool) uabi.Error {
	m := t.K.Buf().Out
	m.Kind = uabi.KindCall
	m.Flags = 0
	m.Method = method
	m.Status = 0
	if mutates {
		t.id.Trap++
		m.ID = t.id
	} else {
		m.ID = uabi.ID{}
	}
	err := t.K.Call(h)
	if err == uabi.ErrWait {
		t.wait = m.Wait
	}
	return err
}

// Wait blocks until the event of the last ErrWait comes up or its deadline passes, and closes the event's handle.
func (t *Thread) Wait() uabi.Error {
	w := t.wait
	t.wait = uabi.WaitSpec{}
	_, err := t.K.EventWait(w.Event, w.Mask, w.Since, w.Deadline)
	t.K.Close(w.Event)
	return err
}
