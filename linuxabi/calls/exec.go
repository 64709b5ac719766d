package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/loader"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Limits of execve(2): one string (MAX_ARG_STRLEN), all of them together (a quarter of the 8 MiB stack), interpreters in a row.
const (
	maxArgString = 128 << 10
	maxArgTotal  = 2 << 20
	maxScripts   = 4
)

// Where things go in a fresh address space.
const (
	stackTop   = 0x7ffffffff000
	stackSize  = 8 << 20
	pieBase    = 0x555555554000 // ELF_ET_DYN_BASE, before randomization
	randomBits = 28             // pages of mmap_rnd
	stackBits  = 22             // of randomization of the stack, in 16-byte units: up to 64 MiB
)

// program is an executable on its way into a fresh address space.
type program struct {
	path  string // to open
	name  string // as the caller gave it: AT_EXECFN
	dir   uint32 // for a relative path
	argv  []string
	envp  []string
	file  opener
	mem   uabi.Handle // memory object with its contents
	size  uint64
	tag   uint64
	image *loader.Image
}

func execve(t *Trap) int64 { return t.execve(cwd, t.arg(0), t.arg(1), t.arg(2), 0) }
func execveat(t *Trap) int64 {
	return t.execve(t.arg32(0), t.arg(1), t.arg(2), t.arg(3), t.arg(4))
}

func (t *Trap) execve(dirfd int32, path, argv, envp, flags uint64) int64 {
	if flags != 0 {
		t.gap(t.regs.RAX, "flags")
		return errno(unix.EINVAL)
	}
	if t.execDone() {
		return pending
	}
	p := &program{}
	var e int64
	if p.path, e = t.path(path, false); e != 0 {
		return e
	}
	p.name = p.path
	if p.dir, e = t.dirHandle(dirfd, p.path); e != 0 {
		return e
	}
	room := maxArgTotal
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

// exec replaces the calling process's image by p.
func (t *Trap) exec(p *program) int64 {
	if e := t.openProgram(p); e != 0 {
		return e
	}
	l, e := t.load(p)
	if e != 0 {
		return e
	}
	in := proc.ExecRequest{Entry: l.entry, Stack: l.sp, Name: baseName(p.path), Exe: p.path, Cmdline: cmdline(p.argv), Mm: uint32(l.mm.H),
		Space: uint32(l.space)}
	t.l.dropMM(t.tgid())
	t.recordExec(l)
	switch err := t.l.proc.Exec(t, &in, &proc.EmptyReply{}); err {
	case uabi.OK:
	case uabi.ErrWait:
		return t.blockFirmly(t.LastWait(), errno(unix.EINTR))
	default:
		return t.status(err)
	}
	t.enter(l.entry, l.sp)
	return pending
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

func cmdline(argv []string) (b []byte) {
	for _, a := range argv {
		b = append(append(b, a...), 0)
	}
	return b
}

// strings reads a NULL-terminated array of strings; room is what is left of the total.
func (t *Trap) strings(va uint64, room *int) ([]string, int64) {
	var out []string
	if va == 0 {
		return nil, 0
	}
	buf := make([]byte, maxArgString)
	for ; ; va += 8 {
		var p [8]byte
		if e := t.read(va, p[:]); e != 0 {
			return nil, e
		}
		s := le.Uint64(p[:])
		if s == 0 {
			return out, 0
		}
		n, err := t.K.AlienString(s, buf)
		if err == uabi.ErrSize {
			return nil, errno(unix.E2BIG)
		}
		if err != uabi.OK {
			return nil, errno(unix.EFAULT)
		}
		if *room -= n + 1 + 8; *room < 0 {
			return nil, errno(unix.E2BIG)
		}
		out = append(out, string(buf[:n]))
	}
}

// openProgram opens p.path and follows script interpreters until there is an ELF image.
func (t *Trap) openProgram(p *program) int64 {
	for range maxScripts + 1 {
		if e := t.openExecutable(p); e != 0 {
			return e
		}
		var head [loader.ScriptHead]byte
		n, err := t.K.MemoryRead(p.mem, 0, head[:min(uint64(len(head)), p.size)])
		if err != uabi.OK {
			return t.status(err)
		}
		interp, arg, ok := loader.Script(head[:n])
		if !ok {
			img, err := loader.ParseELF(t.reader(p.mem, p.size))
			p.image = img
			return t.status(err)
		}
		argv := []string{interp}
		if arg != "" {
			argv = append(argv, arg)
		}
		p.argv = append(append(argv, p.path), p.argv[1:]...)
		p.path, p.dir = interp, 0
	}
	return errno(unix.ELOOP)
}

// openExecutable opens p.path for execution.
func (t *Trap) openExecutable(p *program) int64 {
	in := vfs.PathRequest{Path: p.path, Mode: unix.X_OK, Dir: p.dir}
	var st vfs.Stat
	if err := t.l.vfs.StatAt(t, &vfs.PathRequest{Path: p.path, Dir: p.dir}, &st); err != uabi.OK {
		return t.status(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return errno(unix.EACCES)
	}
	in.Flags = unix.AT_EACCESS
	if err := t.l.vfs.AccessAt(t, &in, &vfs.EmptyReply{}); err != uabi.OK {
		return t.status(err)
	}
	var f vfs.OpenReply
	if err := t.l.vfs.Open(t, &vfs.OpenRequest{Path: p.path, Dir: p.dir}, &f); err != uabi.OK {
		return t.status(err)
	}
	p.file.H = t.temp(uabi.Handle(f.File))
	var m vfs.MapFileReply
	if err := p.file.MapFile(t, &vfs.EmptyRequest{}, &m); err != uabi.OK {
		return t.status(err)
	}
	p.mem, p.size, p.tag = t.temp(uabi.Handle(m.Memory)), m.Size, m.Tag
	return 0
}

// reader reads a file's memory object for the loader.
func (t *Trap) reader(mem uabi.Handle, size uint64) loader.ReadAt {
	return func(off uint64, b []byte) bool {
		if off > size || uint64(len(b)) > size-off {
			return false
		}
		n, err := t.K.MemoryRead(mem, off, b)
		return err == uabi.OK && n == len(b)
	}
}

// loaded is a fresh address space ready to run.
type loaded struct {
	mm        mm.Client
	space     uabi.Handle
	entry, sp uint64
}

// load makes an address space with p, its ELF interpreter and the initial stack in it.
func (t *Trap) load(p *program) (*loaded, int64) {
	var fresh mm.CreateReply
	if err := t.l.mm.Create(t, &mm.CreateRequest{}, &fresh); err != uabi.OK {
		return nil, t.status(err)
	}
	l := &loaded{mm: mm.Client{H: t.temp(uabi.Handle(fresh.Mm))}, space: t.temp(uabi.Handle(fresh.Space))}
	s := loader.Start{Argv: p.argv, Envp: p.envp, ExecFn: p.name, PhdrCount: p.image.PhdrCount}
	rnd := t.remember(t.random)
	e := t.mapProgram(l, p, rnd, &s)
	if e == 0 {
		e = t.makeStack(l, &s, rnd)
	}
	return l, e
}

// mapProgram maps p and, if it names one, its interpreter.
func (t *Trap) mapProgram(l *loaded, p *program, rnd uint64, s *loader.Start) int64 {
	bias := uint64(0)
	if p.image.PIE {
		bias = pieBase + rnd&(1<<randomBits-1)<<12
		if p.image.Interp == "" {
			bias = pieBase&^(1<<40-1) + rnd&(1<<randomBits-1)<<12
		}
	}
	bias, e := t.mapImage(l, p, bias)
	if e != 0 {
		return e
	}
	s.Entry = p.image.Entry + bias
	if p.image.Phdr != 0 {
		s.Phdr = p.image.Phdr + bias
	}
	l.entry = s.Entry
	if err := l.mm.SetBrk(t, &mm.BrkRequest{Addr: p.image.High() + bias}, &mm.EmptyReply{}); err != uabi.OK {
		return t.status(err)
	}
	if p.image.Interp == "" {
		return 0
	}
	q := &program{path: p.image.Interp}
	if e := t.openExecutable(q); e != 0 {
		return e
	}
	img, err := loader.ParseELF(t.reader(q.mem, q.size))
	if err != uabi.OK {
		return errno(unix.ELIBBAD)
	}
	q.image = img
	if s.Base, e = t.mapImage(l, q, 0); e != 0 {
		return e
	}
	l.entry = img.Entry + s.Base
	return 0
}

// mapImage maps the segments of p. A PIE goes to bias, or where mmd likes when that is 0: the bias it got is returned.
func (t *Trap) mapImage(l *loaded, p *program, bias uint64) (uint64, int64) {
	m := p.image
	if m.PIE {
		span := mm.MapRequest{Addr: bias, Len: m.High() - m.Low(), Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}
		var at mm.MapReply
		if err := l.mm.Map(t, &span, &at); err != uabi.OK {
			return 0, t.status(err)
		}
		bias = at.Addr - m.Low()
	}
	for i := range m.Segments {
		if e := t.mapSegment(l, p, &m.Segments[i], bias); e != 0 {
			return 0, e
		}
	}
	return bias, 0
}

func (t *Trap) mapSegment(l *loaded, p *program, s *loader.Segment, bias uint64) int64 {
	addr := s.Addr + bias
	start := addr &^ pageMask
	fileEnd, memEnd := addr+s.FileSize, (addr+s.MemSize+pageMask)&^pageMask
	fixed := uint32(unix.MAP_PRIVATE | unix.MAP_FIXED)
	next := start
	if s.FileSize > 0 {
		if s.Off+s.FileSize > p.size {
			return errno(unix.ENOEXEC)
		}
		next = (fileEnd + pageMask) &^ pageMask
		in := mm.MapRequest{Addr: start, Len: next - start, Prot: s.Prot, Flags: fixed, Offset: s.Off &^ pageMask, Tag: p.tag, Memory: uint32(p.mem)}
		if err := l.mm.Map(t, &in, &mm.MapReply{}); err != uabi.OK {
			return t.status(err)
		}
	}
	if next < memEnd {
		in := mm.MapRequest{Addr: next, Len: memEnd - next, Prot: s.Prot, Flags: fixed | unix.MAP_ANONYMOUS}
		if err := l.mm.Map(t, &in, &mm.MapReply{}); err != uabi.OK {
			return t.status(err)
		}
	}
	if s.MemSize > s.FileSize && s.FileSize > 0 && fileEnd < next && s.Prot&loader.ProtWrite != 0 {
		zero := make([]byte, next-fileEnd) // the rest of the file's last page is .bss
		if n, err := t.K.SpaceWrite(l.space, fileEnd, zero); err != uabi.OK || n != len(zero) {
			return errno(unix.EFAULT)
		}
	}
	return 0
}

// makeStack maps the stack and writes what a program finds on it.
func (t *Trap) makeStack(l *loaded, s *loader.Start, rnd uint64) int64 {
	top := stackTop - rnd>>randomBits&(1<<stackBits-1)*16
	base := (top - stackSize) &^ pageMask
	end := (top + pageMask) &^ pageMask
	in := mm.MapRequest{Addr: base, Len: end - base, Prot: unix.PROT_READ | unix.PROT_WRITE,
		Flags: unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED | unix.MAP_GROWSDOWN | unix.MAP_STACK}
	if err := l.mm.Map(t, &in, &mm.MapReply{}); err != uabi.OK {
		return t.status(err)
	}
	uid := t.uid()
	gid := t.gid()
	s.UID, s.EUID, s.GID, s.EGID = uid, uid, gid, gid
	le.PutUint64(s.Random[:], rnd*0x9e3779b97f4a7c15)
	le.PutUint64(s.Random[8:], (rnd^rnd>>31)*0xbf58476d1ce4e5b9)
	b, sp := s.Stack(top)
	for done := 0; done < len(b); { // one call copies at most a MiB
		n, err := t.K.SpaceWrite(l.space, sp+uint64(done), b[done:])
		if err != uabi.OK || n == 0 {
			return errno(unix.E2BIG)
		}
		done += n
	}
	l.sp = sp
	return 0
}

// random is a random number that is never 0.
func (t *Trap) random() uint64 {
	b := t.bytes(8)
	t.K.Random(b[:])
	return le.Uint64(b[:]) | 1
}
