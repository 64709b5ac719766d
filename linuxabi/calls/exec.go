package calls

import (
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// Limits of execve(2): one string (MAX_ARG_STRLEN), and all of them together with their pointers: a quarter of the stack's limit, at
// least ARG_MAX, at most three quarters of 8 MiB.
const (
	maxArgString = 128 << 10
	argMax       = 128 << 10
	argCeiling   = 6 << 20
)

func execve(t *Trap) int64 { return t.execve(cwd, t.arg(0), t.arg(1), t.arg(2), 0) }
func execveat(t *Trap) int64 {
	return t.execve(t.arg32(0), t.arg(1), t.arg(2), t.arg(3), uint32(t.arg(4)))
}

func (t *Trap) execve(dirfd int32, path, argv, envp uint64, flags uint32) int64 {
	if flags&^(unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW) != 0 {
		return errno(unix.EINVAL)
	}
	if t.execDone() {
		return pending
	}
	p := &program{flags: flags}
	var e int64
	if p.path, e = t.path(path, flags&unix.AT_EMPTY_PATH != 0); e != 0 {
		return e
	}
	if p.dir, e = t.dirHandle(dirfd, p.path); e != 0 {
		return e
	}
	p.name = p.path
	if p.dir != 0 {
		p.name = execName(dirfd, p.path)
		p.hidden = t.closesOnExec(dirfd)
	}
	if e := t.openExecutable(p); e != 0 {
		return e
	}
	if e := t.execPlan(p); e != 0 {
		return e
	}
	room := int(max(argMax, min(argCeiling, p.plan.StackLimit/4)))
	if p.argv, e = t.strings(argv, &room); e != 0 {
		return e
	}
	if p.envp, e = t.strings(envp, &room); e != 0 {
		return e
	}
	if len(p.argv) == 0 {
		p.argv = []string{""} // as Linux since 5.18
	}
	return t.exec(p)
}

// execName names a program that was found through a descriptor (execveat(2), NOTES).
func execName(fd int32, path string) string {
	if path == "" {
		return fmt.Sprintf("/dev/fd/%d", fd)
	}
	return fmt.Sprintf("/dev/fd/%d/%s", fd, path)
}

// closesOnExec reports whether a descriptor has FD_CLOEXEC.
func (t *Trap) closesOnExec(fd int32) bool {
	var out proc.FdGetReply
	err := t.l.proc.FdGet(t, &proc.FdGetRequest{Fd: fd}, &out)
	t.temp(uabi.Handle(out.File))
	return err == uabi.OK && out.Cloexec
}

// exec replaces the calling process's image by p, whose file is open.
func (t *Trap) exec(p *program) int64 {
	name := p.name
	if e := t.findImage(p); e != 0 {
		return e
	}
	if e := t.execPlan(p); e != 0 {
		return e
	}
	l, e := t.load(p)
	if e != 0 {
		return e
	}
	in := proc.ExecRequest{Entry: l.entry, Stack: l.sp, Name: baseName(name), Exe: p.file.Path, Cmdline: cmdline(p.argv), Mm: uint32(l.mm),
		Space: uint32(l.space), Layout: &l.layout, ExeFile: uint32(p.exe)}
	in.SetUid, in.SetGid, in.Uid, in.Gid = p.setUID(), p.setGID(), p.file.Uid, p.file.Gid
	t.l.dropMM(t.tgid())
	t.recordExec(l)
	switch err := t.l.proc.Exec(t, &in, &proc.EmptyReply{}); err {
	case uabi.OK:
	case uabi.ErrWait:
		return t.blockFirmly(t.LastWait())
	default:
		return t.status(err)
	}
	t.enter(l.entry, l.sp)
	return pending
}

// execPlan asks what p's ids will be, unless that is known: only set-id bits can change them between one file and its interpreter.
func (t *Trap) execPlan(p *program) int64 {
	in := proc.ExecPlanRequest{SetUid: p.setUID(), SetGid: p.setGID(), Uid: p.file.Uid, Gid: p.file.Gid}
	setID := in.SetUid || in.SetGid
	if p.planned && !setID && !p.plannedSetID {
		return 0
	}
	p.planned, p.plannedSetID = true, setID
	return t.status(t.l.proc.ExecPlan(t, &in, &p.plan))
}

// enter answers the trap with the first registers of a fresh program.
func (t *Trap) enter(entry, sp uint64) {
	t.l.fds.dropTable(t.files0())
	t.setRegs(&uabi.Regs{RIP: entry, RSP: sp, Flags: initialFlags})
}

// Record words of execve, behind the random number's: the entry point; and the stack pointer with procd.Exec's step above it.
const (
	recordEntry   = 1
	recordStack   = 2
	execStepShift = 48
)

// recordExec notes, in the same kernel call that sends procd.Exec, what a successor of linuxabi needs when that is done: the
// arguments are gone with the old address space then.
func (t *Trap) recordExec(l *loaded) {
	t.Record[recordEntry], t.Record[recordStack] = l.entry, l.sp|uint64(t.Step+1)<<execStepShift
	t.Save = true
}

// execDone finishes an execve whose procd.Exec was sent by a predecessor, if that was done. The request goes out again with its id
// and nothing in it: procd answers from its journal if it has committed it, and refuses it without a change if not.
func (t *Trap) execDone() bool {
	w := t.Record[recordStack]
	if w == 0 {
		return false
	}
	t.Step = uint16(w>>execStepShift) - 1
	if t.l.proc.Exec(t, &proc.ExecRequest{}, &proc.EmptyReply{}) == uabi.OK {
		t.enter(t.Record[recordEntry], w&(1<<execStepShift-1))
		return true
	}
	t.Step = 0
	return false
}

// initialFlags: only the reserved bit and IF are set in a fresh program.
const initialFlags = 0x202

func baseName(p string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '/' {
			return p[i+1:]
		}
	}
	return p
}

// cmdlineMax bounds what procd keeps of the arguments; /proc/PID/cmdline reads them where they lie.
const cmdlineMax = 4096

func cmdline(argv []string) (b []byte) {
	for _, a := range argv {
		if b = append(append(b, a...), 0); len(b) > cmdlineMax {
			return b[:cmdlineMax]
		}
	}
	return b
}

// strings reads a NULL-terminated array of strings; room is what is left of the total.
func (t *Trap) strings(va uint64, room *int) ([]string, int64) {
	var out []string
	if va == 0 {
		return nil, 0
	}
	if t.text == nil {
		t.text = make([]byte, maxArgString)
	}
	for ; ; va += 8 {
		var p [8]byte
		if e := t.read(va, p[:]); e != 0 {
			return nil, e
		}
		s := le.Uint64(p[:])
		if s == 0 {
			return out, 0
		}
		n, err := t.K.AlienString(s, t.text)
		if err == uabi.ErrSize {
			return nil, errno(unix.E2BIG)
		}
		if err != uabi.OK {
			return nil, errno(unix.EFAULT)
		}
		if *room -= n + 1 + 8; *room < 0 {
			return nil, errno(unix.E2BIG)
		}
		out = append(out, string(t.text[:n]))
	}
}

// random is a random number that is never 0.
func (t *Trap) random() uint64 {
	b := t.bytes(8)
	t.K.Random(b[:])
	return le.Uint64(b[:]) | 1
}
