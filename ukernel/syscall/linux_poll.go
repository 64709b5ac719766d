package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
)

// poller is just enough of epoll(7) and eventfd(2) for the Go runtime's network poller in a program without sockets: one
// epoll descriptor with one event descriptor in it, which netpollBreak writes to. Timers of an idle program sleep in
// epoll_pwait.
type poller struct {
	count   uint64 // the event descriptor's counter
	data    uint64 // epoll_event.data of the one member
	events  uint64 // epoll_event.events asked for; 0: not added
	created uint64 // bits fdEpoll and fdEvent
}

const (
	epollIn     = 1
	epollCtlAdd = 1
	epollEvent  = 12 // size of struct epoll_event, which is packed
	millisecond = 1_000_000
)

// epollCreate is epoll_create1(2).
func epollCreate(t *ipc.Thread) (v, errno uint64) {
	return create(t, fdEpoll)
}

// eventfd is eventfd2(2).
func eventfd(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	v, errno = create(t, fdEvent)
	if errno == 0 {
		processState(t.Proc).poll.count = r.RDI
	}
	return v, errno
}

// create makes the descriptor fd, once in an image.
func create(t *ipc.Thread, fd uint64) (v, errno uint64) {
	p := &processState(t.Proc).poll
	if p.created>>fd&1 != 0 {
		gap(t, sysEpollCreate1)
		return 0, enosys
	}
	p.created |= 1 << fd
	return fd, 0
}

// epollCtl is epoll_ctl(2): adds the event descriptor.
func epollCtl(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	p := &processState(t.Proc).poll
	if p.created>>fdEpoll&1 == 0 || r.RDI != fdEpoll {
		return 0, ebadf
	}
	if r.RSI != epollCtlAdd || r.RDX != fdEvent || p.created>>fdEvent&1 == 0 {
		return 0, eperm // as Linux for descriptors that cannot be polled
	}
	if p.events != 0 {
		return 0, eexist
	}
	var b [epollEvent]byte
	if n, err := t.Space.Read(r.R10, b[:]); err != uabi.OK || n != len(b) {
		return 0, efault
	}
	p.events, p.data = uint64(le32(b[:])), le64(b[4:])
	return 0, 0
}

// ready reports whether the member has an event.
func (p *poller) ready() bool { return p.count != 0 && p.events&epollIn != 0 }

// report writes the member's event to t's memory at va.
//
//go:noinline
func (p *poller) report(t *ipc.Thread, va uint64) (errno uint64) {
	var b [epollEvent]byte
	put32(b[:], epollIn)
	put64(b[4:], p.data)
	return put(t, va, b[:])
}

// epollWait is epoll_pwait(2); the signal mask is ignored, the runtime passes none.
func epollWait(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	p := &processState(t.Proc).poll
	s := threadState(t)
	if r.RDI != fdEpoll || p.created>>fdEpoll&1 == 0 {
		r.RAX = neg(ebadf)
		return leave()
	}
	if int32(r.RDX) <= 0 {
		r.RAX = neg(einval)
		return leave()
	}
	ms := int32(r.R10)
	if p.ready() {
		r.RAX = 1
		if errno := p.report(t, r.RSI); errno != 0 {
			r.RAX = neg(errno)
		}
		return leave()
	}
	r.RAX = 0
	if ms == 0 {
		return leave()
	}
	deadline := uabi.NoDeadline
	if ms > 0 {
		deadline = after(uint64(ms) * millisecond)
	}
	s.polling, s.pollBuf = 1, r.RSI
	ipc.Sleep(t, deadline, 0)
	return leave()
}

// eventWrite8 is write(2) to the event descriptor: adds to the counter and ends epoll_pwait.
func eventWrite8(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	p := &processState(t.Proc).poll
	if p.created>>fdEvent&1 == 0 {
		return 0, ebadf
	}
	var b [wordSize]byte
	if r.RDX != wordSize {
		return 0, einval
	}
	if n, err := t.Space.Read(r.RSI, b[:]); err != uabi.OK || n != wordSize {
		return 0, efault
	}
	sum := p.count + le64(b[:])
	if sum < p.count || sum == ^uint64(0) {
		return 0, eagain
	}
	p.count = sum
	if !p.ready() {
		return wordSize, 0
	}
	for w := t.Proc.FirstThread(); w != nil; w = w.NextThread() {
		s := threadState(w)
		if s.polling == 0 || !w.Sleeping() {
			continue
		}
		s.polling = 0
		rax := uint64(1)
		if errno := p.report(w, s.pollBuf); errno != 0 {
			rax = neg(errno)
		}
		w.Break(rax)
	}
	return wordSize, 0
}

// eventRead8 is read(2) from the event descriptor: takes the counter. EAGAIN when it is zero: the runtime's is non-blocking.
func eventRead8(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	p := &processState(t.Proc).poll
	if p.created>>fdEvent&1 == 0 {
		return 0, ebadf
	}
	if r.RDX < wordSize {
		return 0, einval
	}
	if p.count == 0 {
		return 0, eagain
	}
	var b [wordSize]byte
	put64(b[:], p.count)
	if errno := put(t, r.RSI, b[:]); errno != 0 {
		return 0, errno
	}
	p.count = 0
	return wordSize, 0
}
