package calls

import (
	"math"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/ctx"
	"aramid/proto/ipc"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// pending is what a handler returns when the answer is in the message buffer already: a wait, a forwarded request, registers.
const pending = math.MinInt64

// Restart codes, as inside Linux (include/linux/errno.h): what becomes of a system call that a signal interrupted.
const (
	restartSys    = -512 // again if the handler has SA_RESTART, else EINTR
	restartNoHand = -514 // again only if no handler ran
	restartBlock  = -516 // again with the time that is left, only if no handler ran
)

// Trap is one trap of one alien while it is handled. There is one per thread of linuxabi, used again and again.
type Trap struct {
	ipc.Lane
	l     *Linux
	buf   *uk.Buffer
	in    *uabi.Msg
	regs  *uabi.Regs // of the alien, as delivered
	temps []uabi.Handle
	text  []byte // of execve's strings, made when first needed
	// forwardable: neither interrupt nor timeout is up (R12), so that the reply right may be passed on.
	forwardable bool
	// slots of Record and RecordHandle that are taken so far, in program order.
	words, files int
	// masked: a temporary signal mask is set, which NextSignal takes back.
	masked bool
	// strayed: a SIGSEGV of this trap is for registers that the processor cannot take.
	strayed bool

	signal  proc.SignalReply // the signal that is being delivered
	scratch [scratchSize]byte
	used    int // of scratch
	// paths has the path arguments of this trap, one behind the other.
	paths     [2 * pathMax]byte
	pathsUsed int
}

// scratchSize is what most system calls copy from and to the alien at most.
const scratchSize = 4096

// bytes gives n zero bytes until the trap is answered, without the garbage that an array on its way into an interface would be.
func (t *Trap) bytes(n int) []byte {
	if n < 0 || n > scratchSize-t.used {
		return make([]byte, n)
	}
	b := t.scratch[t.used : t.used+n : t.used+n]
	t.used += n
	clear(b)
	return b
}

// begin takes the delivered message in.
func (t *Trap) begin() {
	t.Lane.Begin()
	t.in = t.buf.In
	t.regs = &t.in.Regs
	if t.in.Kind == uabi.KindTrap && t.Record[recordStops]&interrupted != 0 {
		t.in.Flags |= uabi.FlagInterrupt
	}
	t.forwardable = t.in.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) == 0
	t.words, t.files, t.used, t.pathsUsed, t.masked, t.strayed = 0, 0, 0, 0, false, false
}

// Buffer implements ipc.Caller.
func (t *Trap) Buffer() *uk.Buffer { return t.buf }

// temp notes a handle of ours that is closed when the trap is answered.
func (t *Trap) temp(h uabi.Handle) uabi.Handle {
	if h != 0 {
		t.temps = append(t.temps, h)
	}
	return h
}

// end closes what begin and the handler took.
func (t *Trap) end() {
	for _, h := range t.temps {
		t.K.Close(h)
	}
	t.temps = t.temps[:0]
}

// arg is the i-th argument of the system call.
func (t *Trap) arg(i int) uint64 {
	r := t.regs
	switch i {
	case 0:
		return r.RDI
	case 1:
		return r.RSI
	case 2:
		return r.RDX
	case 3:
		return r.R10
	case 4:
		return r.R8
	}
	return r.R9
}

// arg32 is the i-th argument as an int: Linux takes only its low 32 bits.
func (t *Trap) arg32(i int) int32 { return int32(t.arg(i)) }

// context is a context word (proto/ctx).
func (t *Trap) context(i int) uint64 { return t.in.Context[i] }

// uid and gid are the effective ids.
func (t *Trap) uid() uint32 { return uint32(t.context(ctx.UID)) }
func (t *Trap) gid() uint32 { return uint32(t.context(ctx.UID) >> 32) }

// errno is the return value for a Linux error.
func errno(e unix.Errno) int64 { return -int64(e) }

// result is the return value for v, or for e where that is no success.
func (t *Trap) result(v int64, e uabi.Error) int64 {
	switch e {
	case uabi.OK:
		return v
	case uabi.ErrWait:
		return t.block(t.LastWait())
	case uabi.ErrInterrupted:
		return restartSys
	}
	return errno(abi.Errno(e))
}

// status is result for calls that return 0.
func (t *Trap) status(e uabi.Error) int64 { return t.result(0, e) }

// block answers the trap with a wait on w, whose event is a handle of ours that the kernel closes; the handler runs again when it
// ends. If the wait is over already, by a signal or by time, it says so.
func (t *Trap) block(w uabi.WaitSpec) int64 {
	if t.in.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) != 0 {
		t.temp(w.Event)
		if t.in.Flags&uabi.FlagInterrupt != 0 {
			return restartSys
		}
		return errno(unix.ETIMEDOUT)
	}
	t.answer(uabi.AnswerWait, uabi.FlagCloseEvent)
	t.buf.Out.Wait = w
	return pending
}

// sleep is block with no event: until the deadline (ns, monotonic) or a signal.
func (t *Trap) sleep(deadline uint64) int64 {
	return t.block(uabi.WaitSpec{Deadline: deadline})
}

// answer prepares an answer that keeps the trap open, with the record saved.
func (t *Trap) answer(k uabi.Kind, flags uint32) {
	o := t.buf.Out
	o.Kind, o.Flags = k, flags|uabi.FlagSaveRecord
	o.Status, o.Len, o.NHandles, o.NGrants = 0, 0, 0, 0
	o.Record, o.RecordHandle = t.Record, t.RecordHandle
}

// remember gives the next word of the record: on the first run it is what f says, later what it was then. It is saved with the
// next mutating request or wait. A word of 0 counts as not recorded, so f must be
// idempotent where it gives 0. At most recordStops words.
func (t *Trap) remember(f func() uint64) uint64 {
	i := t.words
	t.words++
	if t.Record[i] == 0 {
		t.Record[i] = f()
		t.Save = t.in.Kind == uabi.KindTrap // process 1 is started by no trap
	}
	return t.Record[i]
}

// reply finishes a system call with return value v.
func (t *Trap) reply(v int64) {
	o := t.buf.Out
	o.Kind, o.Flags, o.Status = uabi.AnswerResult, 0, 0
	o.W[0] = uint64(v)
	o.Len, o.NHandles, o.NGrants = 0, 0, 0
}

// setRegs finishes the trap with a whole register set. Where that would go on at no address of user space it is SIGSEGV, as on Linux, whose
// IRET fails; if its handler is at none either, at an address where nothing ever is, so that each such handler is a trap of its own.
func (t *Trap) setRegs(r *uabi.Regs) {
	if r.RIP > uabi.MaxUser {
		if !t.strayed {
			t.strayed = true
			t.astray(*r)
			return
		}
		r.RIP = uabi.MaxUser
	}
	*t.buf.ArgRegs() = *r
	o := t.buf.Out
	o.Kind, o.Flags, o.Status = uabi.AnswerRegs, 0, 0
	o.Len, o.NHandles, o.NGrants = 0, 0, 0
}
