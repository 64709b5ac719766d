package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Endpoint is where calls arrive.
type Endpoint struct {
	object.Header
	Rank      uint32
	receiving uint32      // handles with RightReceive; at 0 the endpoint is dead
	calls     sched.Queue // senders: RESENDs first, then in order of arrival
	receivers sched.Queue
	dead      bool
}

// Badge is a number that an endpoint's owner gave to handles.
type Badge struct {
	object.Header
	ep      *Endpoint // with a reference
	Number  uint64
	handles uint32 // counted handles, wherever they are (R6)
}

// NewEndpoint makes an endpoint of that rank.
func NewEndpoint(a *object.Account, rank uint32) (*Endpoint, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Bind is CallBind.
func (e *Endpoint) Bind(ev *Event, key uint64, mask uint32) uabi.Error { return uabi.ErrUnsupported }

// Mint is CallMint for process p.
func (e *Endpoint) Mint(p *Process, badge uint64, rights uint32) (uabi.Handle, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// BadgeAck is CallBadgeAck.
func (e *Endpoint) BadgeAck(badge uint64) uabi.Error { return uabi.ErrUnsupported }

// Subscribe is CallSubscribe.
func (e *Endpoint) Subscribe() uabi.Error { return uabi.ErrUnsupported }

// ThreadAck is CallThreadAck.
func (e *Endpoint) ThreadAck(origin uint64) uabi.Error { return uabi.ErrUnsupported }
