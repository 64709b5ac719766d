package uksim

import (
	"fmt"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// ThreadInfo is uk.Kernel's.
func (k *Native) ThreadInfo(h uabi.Handle) (uk.ThreadInfo, uabi.Error) {
	k.enter("thread.info")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e != uabi.OK {
		return uk.ThreadInfo{}, e
	}
	states := [...]uint32{uabi.ThreadParked, uabi.ThreadRunning, uabi.ThreadTrapped, uabi.ThreadWaiting, uabi.ThreadGone}
	return uk.ThreadInfo{State: states[a.state], Traps: a.traps, Origin: a.origin}, uabi.OK
}

// text is for traces.
func (r *request) text() string {
	id := r.msg.ID
	if r.trap {
		return fmt.Sprintf("trap %d of alien %d", id.Trap, id.Origin)
	}
	who := "?"
	if r.from != nil {
		who = r.from.name
	}
	return fmt.Sprintf("call %s.%d of %s id (%#x %d %x)", r.ep().name(), r.msg.Method, who, id.Origin, id.Trap, id.Path)
}
