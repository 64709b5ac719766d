package main

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/servers/procd/signal"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

func said(want ...string) func([]string) bool {
	return func(got []string) bool { return strings.Join(got, ",") == strings.Join(want, ",") }
}

func TestAParentWaitsForItsChildAndProcessOneEndsTheMachine(t *testing.T) {
	sweep(t, 1, 3, func(p *program) {
		if ids := p.sys("ids", sysIDs); ids != 1<<32|1 {
			p.w.Fail("process 1 is %#x", ids)
		}
		p.fails("wait without a child", uabi.ErrChild, sysWait, unix.P_ALL, 0, unix.WEXITED)
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 { p.say("child"); return uint64(signal.Exited(7)) })
		if v := p.sys("wait", sysWait, unix.P_ALL, 0, unix.WEXITED); v != 7<<8<<32|pid {
			p.w.Fail("wait says %#x of %d", v, pid)
		}
		p.fails("wait again", uabi.ErrChild, sysWait, unix.P_ALL, 0, unix.WEXITED)
		p.exit(uint64(signal.Exited(3)))
	}, said("child"))
}

func TestThreadsShareAndTheirEndIsSeenInMemory(t *testing.T) {
	const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
		unix.CLONE_CHILD_CLEARTID | unix.CLONE_PARENT_SETTID
	sweep(t, 3, 0, func(p *program) {
		fd := p.sys("install", sysInstall, 0)
		tid := p.a.Fork(func(a *uksim.Alien) {
			c := &program{a, p.w}
			if ids := c.sys("ids", sysIDs); ids>>32 != 1 || uint64(a.Word(dataVa)) != ids&0xffffffff {
				p.w.Fail("the thread is %#x, its word %d", ids, a.Word(dataVa))
			}
			c.sys("dup", sysDup, fd, 0)
			c.a.Syscall(sysExit, 0)
			a.Step()
		}, sysFork, flags, dataVa, 0)
		for p.a.Word(dataVa) != 0 {
			p.sleep()
		}
		if n := p.sys("fds", sysFds); n != 2 {
			p.w.Fail("%d descriptors after the thread's dup", n)
		}
		p.fails("signal to a thread that is gone", uabi.ErrSearch, sysKill, 1, tid, 0)
		p.exit(0)
	}, said())
}

func TestSignalsReachHandlersOnceWithTheirMasks(t *testing.T) {
	const handlerVa = 0x500000
	sweep(t, 3, 0, func(p *program) {
		p.w.Code(handlerVa, func(a *uksim.Alien) {
			h := &program{a, p.w}
			sig := a.Regs().RDI
			h.say("handler %d", sig)
			if m := h.sys("mask", sysMask, unix.SIG_BLOCK, 0); m != signal.Bit(uint32(sig))|signal.Bit(12) {
				p.w.Fail("the mask in the handler is %#x", m)
			}
			a.Syscall(sysReturn)
		})
		p.sys("action", sysAction, 10, handlerVa, 0, signal.Bit(12))
		p.sys("kill", sysKill, 1, 0, 10)
		p.a.Step()
		p.sys("block", sysMask, unix.SIG_BLOCK, signal.Bit(10))
		p.sys("kill", sysKill, 1, 0, 10)
		p.sys("kill", sysKill, 1, 0, 10)
		p.a.Step()
		p.say("unblock")
		p.sys("unblock", sysMask, unix.SIG_UNBLOCK, signal.Bit(10))
		p.a.Step()
		if m := p.sys("mask", sysMask, unix.SIG_BLOCK, 0); m != 0 {
			p.w.Fail("the mask at the end is %#x", m)
		}
		p.exit(0)
	}, said("handler 10", "unblock", "handler 10"))
}

func TestDefaultActionsKillStopAndContinue(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			for {
				p.sleep()
			}
		})
		options := uint64(unix.WEXITED | unix.WSTOPPED | unix.WCONTINUED)
		wait := func(want int32) {
			if v := p.sys("wait", sysWait, unix.P_PID, pid, options); v != uint64(uint32(want))<<32|pid {
				p.w.Fail("wait says %#x, want %#x", v, want)
			}
		}
		p.sys("stop", sysKill, pid, 0, signal.STOP)
		wait(signal.StopStatus(signal.STOP))
		p.sys("continue", sysKill, pid, 0, signal.CONT)
		wait(signal.ContStatus)
		p.sys("stop", sysKill, pid, 0, signal.TSTP)
		p.sys("kill", sysKill, pid, 0, signal.KILL)
		options = unix.WEXITED
		wait(signal.Killed(signal.KILL))
		p.fails("signal to nobody", uabi.ErrSearch, sysKill, pid, 0, 0)
		pid = p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("suspend", sysSuspend, 0)
			return 0
		})
		p.sys("term", sysKill, pid, 0, 15)
		wait(signal.Killed(15))
		p.exit(0)
	}, said())
}

func TestSuspendAndTimedWaitAndAlarm(t *testing.T) {
	const handlerVa = 0x500000
	sweep(t, 3, 0, func(p *program) {
		p.w.Code(handlerVa, func(a *uksim.Alien) {
			(&program{a, p.w}).say("handler %d", a.Regs().RDI)
			a.Syscall(sysReturn)
		})
		p.sys("action", sysAction, signal.ALRM, handlerVa, 0, 0)
		p.sys("block", sysMask, unix.SIG_SETMASK, signal.Bit(signal.ALRM)|signal.Bit(10))
		p.sys("alarm", sysAlarm, 50_000)
		p.fails("suspend", uabi.ErrInterrupted, sysSuspend, signal.Bit(10))
		if m := p.sys("mask", sysMask, unix.SIG_BLOCK, 0); m != signal.Bit(signal.ALRM)|signal.Bit(10) {
			p.w.Fail("the mask after suspend is %#x", m)
		}
		p.fails("timed wait", uabi.ErrTimeout, sysTimed, signal.Bit(10), p.w.Now()+40_000)
		p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("kill", sysKill, 1, 0, 10)
			return 0
		})
		if sig := p.sys("timed wait", sysTimed, signal.Bit(10), uabi.NoDeadline); sig != 10 {
			p.w.Fail("timed wait took %d", sig)
		}
		p.exit(0)
	}, said("handler 14"))
}

func TestATimerIsSetGoingAgainByWhoTakesItsSignal(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		p.sys("block", sysMask, unix.SIG_SETMASK, signal.Bit(40)|signal.Bit(41))
		for _, interval := range []uint64{100_000, 1} {
			p.sys("timer", sysTimer, 40, 1, interval)
		}
		p.sys("timer once", sysTimer, 41, p.w.Now()+1000, 0)
		for range 6 {
			if sig := p.sys("timed wait", sysTimed, signal.Bit(40), uabi.NoDeadline); sig != 40 {
				p.w.Fail("timed wait took %d", sig)
			}
		}
		p.sys("timed wait", sysTimed, signal.Bit(41), uabi.NoDeadline)
		p.fails("timed wait", uabi.ErrTimeout, sysTimed, signal.Bit(41), p.w.Now()+40_000)
		p.exit(0)
	}, said())
}

func TestExecEndsSiblingsClosesAndResets(t *testing.T) {
	const progVa = 0x600000
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	sweep(t, 3, 0, func(p *program) {
		p.w.Entry(progVa, func(a *uksim.Alien) {
			c := &program{a, p.w}
			ids := c.sys("ids", sysIDs)
			if ids>>32 != ids&0xffffffff {
				p.w.Fail("after exec the thread is %#x", ids)
			}
			c.say("program with %d files", c.sys("fds", sysFds))
			c.exit(uint64(signal.Exited(9)))
		})
		pid := p.fork(unix.CLONE_VM|unix.CLONE_VFORK, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("install", sysInstall, 0)
			p.sys("install", sysInstall, 1)
			p.a.Fork(func(a *uksim.Alien) {
				c := &program{a, p.w}
				c.a.Syscall(sysExec, progVa)
				a.Step()
			}, sysFork, thread, 0, 0)
			for {
				p.sleep()
			}
		})
		if v := p.a.Syscall(sysVfork, pid); v != 0 && int64(v) != -int64(uabi.ErrSearch) {
			p.w.Fail("vfork: %d", int64(v))
		}
		if v := p.sys("wait", sysWait, unix.P_ALL, 0, unix.WEXITED); v != 9<<8<<32|pid {
			p.w.Fail("wait says %#x of %d", v, pid)
		}
		p.exit(0)
	}, said("program with 1 files"))
}

func TestOrphansFindTheSubreaperAndIgnoredChildrenReapThemselves(t *testing.T) {
	sweep(t, 5, 0, func(p *program) {
		reaper := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("subreaper", sysSet, unix.PR_SET_CHILD_SUBREAPER, 1)
			me := p.sys("ids", sysIDs) & 0xffffffff
			middle := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
				p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
					for p.sys("identity", sysIdentity, 0)&0xffffffff != me {
						p.sleep()
					}
					return uint64(signal.Exited(5))
				})
				return 0
			})
			if v := p.sys("wait", sysWait, unix.P_PID, middle, unix.WEXITED); v != middle {
				p.w.Fail("middle: %#x", v)
			}
			if v := p.sys("wait", sysWait, unix.P_ALL, 0, unix.WEXITED); v>>32 != 5<<8 {
				p.w.Fail("orphan: %#x", v)
			}
			p.sys("ignore", sysAction, signal.CHLD, signal.Ignore, 0, 0)
			p.fork(0, 0, signal.CHLD, func(p *program) uint64 { return 0 })
			p.fails("wait for what reaps itself", uabi.ErrChild, sysWait, unix.P_ALL, 0, unix.WEXITED)
			return 0
		})
		if v := p.sys("wait", sysWait, unix.P_ALL, 0, unix.WEXITED); v != reaper {
			p.w.Fail("reaper: %#x", v)
		}
		p.exit(0)
	}, said())
}

func TestGroupsSessionsAndDescriptors(t *testing.T) {
	w := newWorld(t, uksim.Config{Seed: 5}, func(p *program) {
		p.fails("session of a leader", uabi.ErrPerm, sysSession)
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			if sid := p.sys("session", sysSession); sid != 2 {
				p.w.Fail("session %d", sid)
			}
			p.fails("group of a leader", uabi.ErrPerm, sysGroupID, 0, 0)
			return 0
		})
		p.sys("wait", sysWait, unix.P_PGID, pid, unix.WEXITED)
		fd := p.sys("install", sysInstall, 0)
		if v := p.sys("dup", sysDup, fd, 10); v != 10 {
			p.w.Fail("dup gives %d", v)
		}
		if v := p.sys("dup2", sysDup2, 10, 3); v != 3 {
			p.w.Fail("dup2 gives %d", v)
		}
		p.sys("close", sysClose, fd)
		p.fails("close again", uabi.ErrBadFD, sysClose, fd)
		if v := p.sys("number", sysFdID, p.sys("install", sysInstall, 0, 77)); v != 77 {
			p.w.Fail("the file's number is %d", v)
		}
		p.fails("number of nothing", uabi.ErrBadFD, sysFdID, 99)
		p.sys("close", sysClose, fd)
		p.fails("dup2 beyond the limit", uabi.ErrBadFD, sysDup2, 3, 5000)
		p.fails("dup beyond the limit", uabi.ErrArg, sysDup, 3, 5000)
		if v := p.sys("install", sysInstall, 0); v != 0 {
			p.w.Fail("the lowest free descriptor is %d", v)
		}
		p.exit(uint64(signal.Killed(signal.ABRT)))
	})
	w.run(134)
}

func TestAThreadIsNoProcess(t *testing.T) {
	const thread = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD
	sweep(t, 7, 0, func(p *program) {
		tid := p.a.Fork(func(a *uksim.Alien) {
			c := &program{a, p.w}
			for {
				c.sleep()
			}
		}, sysFork, thread, 0, 0)
		p.fails("watch", uabi.ErrArg, sysPidWatch, tid)
		p.fails("group", uabi.ErrArg, sysGroupID, tid, 0)
		p.exit(0)
	}, said())
}

func TestAChildThatHasExecedKeepsItsGroup(t *testing.T) {
	const progVa = 0x600000
	sweep(t, 7, 0, func(p *program) {
		p.w.Entry(progVa, func(a *uksim.Alien) { (&program{a, p.w}).sys("pause", sysSuspend, 0) })
		pid := p.fork(unix.CLONE_VM|unix.CLONE_VFORK, 0, signal.CHLD, func(p *program) uint64 { return p.a.Syscall(sysExec, progVa) })
		p.sys("vfork", sysVfork, pid)
		p.fails("group", uabi.ErrAccess, sysGroupID, pid, pid)
		p.sys("kill", sysKill, pid, 0, signal.KILL)
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED)
		p.exit(0)
	}, said())
}

func TestAFaultIsASignalThatCannotBeBlocked(t *testing.T) {
	const handlerVa = 0x500000
	sweep(t, 3, 0, func(p *program) {
		p.w.Code(handlerVa, func(a *uksim.Alien) {
			h := &program{a, p.w}
			h.say("handler %d", a.Regs().RDI)
			h.exit(uint64(signal.Exited(4)))
		})
		load := func(p *program) { p.a.Read(dataVa+dataLen, make([]byte, 1)) }
		ends := func(what string, want uint64, f func(p *program)) {
			pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 { f(p); return 0 })
			if v := p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED); v>>32 != want {
				p.w.Fail("%s: %#x, want %#x", what, v>>32, want)
			}
		}
		ends("without a handler", uint64(signal.Killed(signal.SEGV)), load)
		ends("with a handler", uint64(signal.Exited(4)), func(p *program) {
			p.sys("action", sysAction, signal.SEGV, handlerVa, 0, 0)
			load(p)
		})
		ends("with a handler, blocked", uint64(signal.Killed(signal.SEGV)), func(p *program) {
			p.sys("action", sysAction, signal.SEGV, handlerVa, 0, 0)
			p.sys("block", sysMask, unix.SIG_BLOCK, signal.Bit(signal.SEGV))
			load(p)
		})
		p.exit(0)
	}, said("handler 11"))
}

func TestAProcessThatEndsDoesNotFork(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 { return p.a.Syscall(sysForkInTheEnd) })
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED)
		p.fails("its child", uabi.ErrChild, sysWait, unix.P_ALL, 0, unix.WEXITED)
		p.exit(0)
	}, said())
}

func TestALockWhoseOwnerEndsIsMarkedSo(t *testing.T) {
	const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
		unix.CLONE_CHILD_CLEARTID | unix.CLONE_PARENT_SETTID
	const head, lock = dataVa + 0x100, dataVa + 0x200
	sweep(t, 7, 0, func(p *program) {
		p.a.Fork(func(a *uksim.Alien) {
			c := &program{a, p.w}
			tid := c.sys("ids", sysIDs) & 0xffffffff
			// The list: head → lock → head; the futex word lies 16 bytes behind the link.
			put := func(va, v uint64) { a.Write(va, binary.LittleEndian.AppendUint64(nil, v)) }
			put(head, lock)
			put(head+8, 16)
			put(head+16, 0)
			put(lock, head)
			put(lock+16, tid|futexWaiters)
			c.sys("robust list", sysRobust, head)
			c.a.Syscall(sysExit, 0)
			a.Step()
		}, sysFork, flags, dataVa, 0)
		for p.a.Word(dataVa) != 0 {
			p.sleep()
		}
		if w := p.a.Word(lock + 16); w != futexWaiters|futexOwnerDied {
			p.w.Fail("the lock is %#x", w)
		}
		p.exit(0)
	}, said())
}

func TestAStoppedGroupIsHungUpWhenItsLastParentEnds(t *testing.T) {
	sweep(t, 11, 0, func(p *program) {
		p.sys("subreaper", sysSet, unix.PR_SET_CHILD_SUBREAPER, 1)
		shell := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("session", sysSession)
			job := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
				for {
					p.sleep()
				}
			})
			p.sys("group", sysGroupID, job, job)
			p.sys("stop", sysKill, job, 0, signal.STOP)
			p.sys("wait", sysWait, unix.P_PID, job, unix.WSTOPPED)
			return 0
		})
		p.sys("wait", sysWait, unix.P_PID, shell, unix.WEXITED)
		if v := p.sys("wait", sysWait, unix.P_ALL, 0, unix.WEXITED); v>>32 != uint64(signal.Killed(signal.HUP)) {
			p.w.Fail("the job's end: %#x", v)
		}
		p.exit(0)
	}, said())
}
