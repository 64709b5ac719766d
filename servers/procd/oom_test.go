package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/servers/procd/signal"
	"aramid/ukernel/uabi"
)

func TestWhoHasMostMemoryIsKilledForItAtEveryCrash(t *testing.T) {
	sweep(t, 2, 0, func(p *program) {
		idle := func(p *program) uint64 {
			for {
				p.sleep()
			}
		}
		small, big := p.fork(0, 0, signal.CHLD, idle), p.fork(0, 0, signal.CHLD, idle)
		for _, want := range []uint64{big, small} { // the second when the first has ended
			if got := p.sys("no memory", sysNoMemory); got != want {
				p.w.Fail("process %d is killed, not %d", got, want)
			}
		}
		for _, want := range []uint64{big, small} {
			if v := p.sys("wait", sysWait, unix.P_PID, want, unix.WEXITED); v != uint64(unix.SIGKILL)<<32|want {
				p.w.Fail("wait says %#x of %d", v, want)
			}
		}
		p.fails("nobody is left", uabi.ErrSearch, sysNoMemory)
		p.exit(0)
	}, said())
}
