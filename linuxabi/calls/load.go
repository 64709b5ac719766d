package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/loader"
	"aramid/linuxabi/vdso"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// Where things go in a fresh address space.
const (
	stackTop   = 0x7ffffffff000
	minStack   = 256 << 10      // for the arguments and a little more
	maxStack   = 1 << 30        // also where the limit says more, or nothing
	pieBase    = 0x555555554000 // ELF_ET_DYN_BASE, before randomization
	staticBase = 0x550000000000 // of a PIE that is no interpreter's
	randomBits = 28             // pages of mmap_rnd
	stackBits  = 22             // of randomization of the stack, in 16-byte units: up to 64 MiB
)

// Memory objects and bases of the request to mmd.
const (
	programMemory = 1
	interpMemory  = 2
	clockMemory   = 3
	vdsoMemory    = 4
	interpBase    = 1
	vdsoBase      = 2
)

// loaded is a fresh address space ready to run.
type loaded struct {
	mm, space uabi.Handle
	entry, sp uint64
	layout    proc.Layout
}

// load makes an address space with p, its ELF interpreter and the initial stack in it.
func (t *Trap) load(p *program) (*loaded, int64) {
	rnd := t.remember(t.random)
	interp, e := t.interpreter(p)
	if e != 0 {
		return nil, e
	}
	if p.image.Broken || interp != nil && interp.image.Broken {
		return nil, t.execKilled()
	}
	place, fixed := rnd, p.plan.FixedLayout || p.file.Randomize == 0
	if fixed {
		place = 0
	}
	bias := p.bias(place)
	in := mm.LoadRequest{Memory1: uint32(p.mem), End: p.image.End() + bias, Fixed: fixed, CloseHeap: p.file.Randomize == 1}
	p.addAreas(&in, programMemory, 0, bias)
	if interp != nil {
		interp.addInterpreter(&in)
	}
	top := stackTop - place>>randomBits&(1<<stackBits-1)*16
	in.Areas = append(in.Areas, p.stackArea(top))
	code := t.l.vdso()
	if code != 0 {
		addVDSO(&in, code)
	}
	var out mm.LoadReply
	if err := t.l.mm.LoadProgram(t, &in, &out); err != uabi.OK {
		return nil, t.execKilled()
	}
	l := &loaded{mm: t.temp(uabi.Handle(out.Mm)), space: t.temp(uabi.Handle(out.Space)), entry: p.image.Entry + bias}
	s := loader.Start{Argv: p.argv, Envp: p.envp, ExecFn: p.name, PhdrCount: p.image.PhdrCount, Entry: l.entry}
	if p.image.Phdr != 0 {
		s.Phdr = p.image.Phdr + bias
	}
	if code != 0 {
		s.VDSO = out.Base2 + clockSize
	}
	whole := t.zeroTails(l, p, bias)
	if interp != nil {
		if interp.image.PIE {
			s.Base = out.Base1 - interp.image.Low()
		}
		l.entry = interp.image.Entry + s.Base
		whole = whole && t.zeroTails(l, interp, s.Base)
	}
	p.describe(&l.layout, bias, out.Brk)
	if !whole || !t.makeStack(l, p, &s, top, rnd) {
		return nil, t.execKilled()
	}
	return l, 0
}

// clockSize is the clock page's: it lies below the vDSO.
const clockSize = pageMask + 1

// addVDSO adds the vDSO and the clock page to a request.
func addVDSO(in *mm.LoadRequest, code uabi.Handle) {
	in.Span2 = clockSize + vdso.Size
	in.Memory3, in.Memory4 = uint32(uabi.BootClock), uint32(code)
	in.Areas = append(in.Areas, &mm.Area{Len: clockSize, Prot: unix.PROT_READ, Memory: clockMemory, Base: vdsoBase},
		&mm.Area{Addr: clockSize, Len: vdso.Size, Prot: unix.PROT_READ | unix.PROT_EXEC, Memory: vdsoMemory, Base: vdsoBase})
}

// interpreter opens the ELF interpreter that p names, if it does.
func (t *Trap) interpreter(p *program) (*program, int64) {
	if !p.image.HasInterp {
		return nil, 0
	}
	if p.image.Interp == "" {
		return nil, errno(unix.EACCES) // Linux opens the empty path: a directory
	}
	q := &program{path: p.image.Interp}
	if e := t.openExecutable(q); e != 0 {
		return nil, e
	}
	if q.file.Size < loader.HeaderSize {
		return nil, errno(unix.EIO)
	}
	img, err := loader.ParseInterpreter(t.reader(q))
	if err != uabi.OK {
		return nil, errno(unix.ELIBBAD)
	}
	q.image = img
	return q, 0
}

// addInterpreter adds the mappings of p, an interpreter, to a request.
func (p *program) addInterpreter(in *mm.LoadRequest) {
	in.Memory2 = uint32(p.mem)
	if p.image.PIE {
		in.Span1 = p.image.High() - p.image.Low()
		p.addAreas(in, interpMemory, interpBase, -p.image.Low())
		return
	}
	p.addAreas(in, interpMemory, 0, 0)
}

// bias is what is added to the addresses of p.
func (p *program) bias(rnd uint64) uint64 {
	if !p.image.PIE {
		return 0
	}
	base := uint64(pieBase)
	if !p.image.HasInterp {
		base = staticBase
	}
	return (base+rnd&(1<<randomBits-1)<<12)&^(p.image.Align-1) - p.image.Low()
}

// addAreas adds the mappings of p's segments to a request: addresses plus bias are absolute, or behind a base. The pages behind the file's part are
// writable whatever the segment says, as on Linux (binfmt_elf makes them as brk does).
func (p *program) addAreas(in *mm.LoadRequest, memory, base uint32, bias uint64) {
	for i := range p.image.Segments {
		s := &p.image.Segments[i]
		addr := s.Addr + bias
		next, end := addr&^pageMask, (addr+s.MemSize+pageMask)&^pageMask
		if s.FileSize > 0 {
			to := (addr + s.FileSize + pageMask) &^ pageMask
			in.Areas = append(in.Areas, &mm.Area{Addr: next, Len: to - next, Prot: s.Prot, Memory: memory, Offset: s.Off &^ pageMask, Tag: p.file.Tag, Base: base})
			next = to
		}
		if next < end {
			in.Areas = append(in.Areas, &mm.Area{Addr: next, Len: end - next, Prot: s.Prot&unix.PROT_EXEC | unix.PROT_READ | unix.PROT_WRITE, Base: base})
		}
	}
}

// stackArea is the main stack's mapping: all that its limit lets it have, since pages come when they are touched.
func (p *program) stackArea(top uint64) *mm.Area {
	prot := uint32(unix.PROT_READ | unix.PROT_WRITE)
	if p.image.ExecStack {
		prot |= unix.PROT_EXEC
	}
	size := max(minStack, min(maxStack, p.plan.StackLimit))
	base, end := (top-size)&^pageMask, (top+pageMask)&^pageMask
	return &mm.Area{Addr: base, Len: end - base, Prot: prot, Stack: true}
}

// zeroTails clears what lies behind the file's part in the last page of each writable segment: the beginning of .bss.
func (t *Trap) zeroTails(l *loaded, p *program, bias uint64) bool {
	for i := range p.image.Segments {
		s := &p.image.Segments[i]
		end := s.Addr + s.FileSize + bias
		n := -end & pageMask
		if s.FileSize == 0 || s.MemSize == s.FileSize || n == 0 || s.Prot&loader.ProtWrite == 0 {
			continue
		}
		if got, err := t.K.SpaceWrite(l.space, end, make([]byte, n)); err != uabi.OK || got != int(n) {
			return false
		}
	}
	return true
}

// describe fills a layout with where p's code and data are.
func (p *program) describe(l *proc.Layout, bias, brk uint64) {
	l.StartCode, l.StartBrk = ^uint64(0), brk
	for i := range p.image.Segments {
		s := &p.image.Segments[i]
		start, end := s.Addr+bias, s.Addr+s.FileSize+bias
		if s.Prot&loader.ProtExec != 0 {
			l.StartCode, l.EndCode = min(l.StartCode, start), max(l.EndCode, end)
		}
		l.StartData, l.EndData = max(l.StartData, start), max(l.EndData, end)
	}
	if l.EndCode == 0 {
		l.StartCode = 0
	}
}

// makeStack writes what a program finds on its stack.
func (t *Trap) makeStack(l *loaded, p *program, s *loader.Start, top, rnd uint64) bool {
	s.UID, s.EUID, s.GID, s.EGID, s.Secure = p.plan.Ruid, p.plan.Euid, p.plan.Rgid, p.plan.Egid, p.plan.Secure
	s.HWCap = t.l.hwcap
	le.PutUint64(s.Random[:], rnd*0x9e3779b97f4a7c15)
	le.PutUint64(s.Random[8:], (rnd^rnd>>31)*0xbf58476d1ce4e5b9)
	b, sp := s.Stack(top)
	for done := 0; done < len(b); { // one call copies at most a MiB
		n, err := t.K.SpaceWrite(l.space, sp+uint64(done), b[done:])
		if err != uabi.OK || n == 0 {
			return false
		}
		done += n
	}
	l.sp = sp
	l.layout.ArgStart, l.layout.ArgEnd, l.layout.EnvStart, l.layout.EnvEnd, l.layout.StartStack = s.ArgStart, s.ArgEnd, s.EnvStart, s.EnvEnd, sp
	return true
}
