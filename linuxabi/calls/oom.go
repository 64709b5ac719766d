package calls

import (
	"fmt"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// recordRetry is the record word of a fault that found no memory: it was told to procd, so whoever handles it again has only to try it again.
const recordRetry = 0

// outOfMemory answers a fault that found no memory: somebody who has much of it is killed, and the faulting instruction runs again. It is
// false if there is nobody to kill but the caller.
func (t *Trap) outOfMemory() bool {
	if t.Record[recordRetry] != 0 {
		t.setRegs(&t.in.Regs)
		return true
	}
	t.Record[recordRetry], t.Save = 1, true
	var v proc.VictimReply
	switch err := t.l.proc.OutOfMemory(t, &proc.EmptyRequest{}, &v); err {
	case uabi.OK:
	case uabi.ErrWait:
		t.blockFirmly(t.LastWait())
		return true
	default:
		t.log(logErr, fmt.Sprintf("Out of memory and no killable processes: process %d", t.tgid()))
		return false
	}
	if v.Pid != 0 {
		t.log(logErr, fmt.Sprintf("Out of memory: Killed process %d (%s) total-vm:%dkB, anon-rss:%dkB, UID:%d oom_score_adj:%d",
			v.Pid, v.Name, v.Mapped>>10, v.Resident>>10, v.Uid, v.OomScoreAdj))
	}
	t.setRegs(&t.in.Regs)
	return true
}

// logErr is LOG_ERR of syslog(3).
const logErr = 3

// log puts a line into the kernel log.
func (t *Trap) log(priority uint32, text string) {
	t.l.vfs.Log(t, &vfs.LogRequest{Priority: priority, Text: text}, &vfs.EmptyReply{})
}
