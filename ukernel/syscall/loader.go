package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// image is a loaded program: its space (one reference, the holder's) and where its first thread starts.
type image struct {
	space     *vm.Space
	entry, sp uint64
}

// Scratch of the loader, guarded by the kernel lock: too big for the kernel stack.
var (
	plan       imagePlan
	argScratch [maxArgs]byte
	stackImage [stackScratch]byte
	zeroPage   [arch.PageSize]byte
)

// loadImage makes a space for the static ELF file at [off, off+n) of mem, charged to acct, with its stack. args is a memory
// object as CallProcessStart describes, or nil. ErrNoExec, ErrNoMem, ErrTooBig, ErrArg: nothing remains.
func loadImage(acct *object.Account, mem *vm.Memory, off, n uint64, args *vm.Memory, name []byte) (img image, err uabi.Error) {
	if err = readPlan(&plan, mem, off, n); err != uabi.OK {
		return image{}, err
	}
	argBytes, err := readArgs(args)
	if err != uabi.OK {
		return image{}, err
	}
	s, err := vm.NewSpace(acct)
	if err != uabi.OK {
		return image{}, err
	}
	for i := 0; i < plan.nseg && err == uabi.OK; i++ {
		err = loadSegment(s, mem, off, &plan.seg[i])
	}
	sp := uint64(0)
	if err == uabi.OK {
		sp, err = loadStack(s, argBytes, name)
	}
	if err != uabi.OK {
		s.Release()
		return image{}, err
	}
	return image{space: s, entry: plan.entry, sp: sp}, uabi.OK
}

// readPlan fills p from the file's headers.
func readPlan(p *imagePlan, mem *vm.Memory, off, n uint64) uabi.Error {
	size, _ := mem.Size()
	if off > size || n > size-off {
		return uabi.ErrArg
	}
	var h [elfHeaderSize]byte
	if got, err := mem.Read(off, h[:]); n < elfHeaderSize || err != uabi.OK || got != elfHeaderSize {
		return uabi.ErrNoExec
	}
	if err := p.elfHeader(&h, n); err != uabi.OK {
		return err
	}
	var ph [elfPhdrSize]byte
	for i := range p.phnum {
		if got, err := mem.Read(off+p.phoff+i*elfPhdrSize, ph[:]); err != uabi.OK || got != elfPhdrSize {
			return uabi.ErrNoExec
		}
		if err := p.elfSegment(&ph); err != uabi.OK {
			return err
		}
	}
	return p.elfDone()
}

// readArgs copies the argument strings: the object up to its last byte that is not zero, and that one's terminator.
func readArgs(args *vm.Memory) ([]byte, uabi.Error) {
	if args == nil {
		return nil, uabi.OK
	}
	size, _ := args.Size()
	size = min(size, maxArgs)
	n, err := args.Read(0, argScratch[:size])
	if err != uabi.OK {
		return nil, err
	}
	for n > 0 && argScratch[n-1] == 0 {
		n--
	}
	switch {
	case n == 0:
		return nil, uabi.OK
	case n == maxArgs:
		return nil, uabi.ErrTooBig
	}
	argScratch[n] = 0 // objects are whole pages: what lies behind n is zero, or was cut off above
	return argScratch[:n+1], uabi.OK
}

// loadSegment maps one PT_LOAD. Where file pages are pages of the memory object they are mapped as a private window; the rest
// of the last one is cleared and further pages are anonymous.
func loadSegment(s *vm.Space, mem *vm.Memory, off uint64, seg *segment) uabi.Error {
	if off%arch.PageSize != 0 || seg.memLen > seg.fileLen && seg.prot&uabi.ProtWrite == 0 {
		return copySegment(s, mem, off, seg)
	}
	base := pageDown(seg.va)
	fileEnd := seg.va + seg.fileLen
	split := base
	if seg.fileLen > 0 {
		split = pageUp(fileEnd)
		m := vm.MapArgs{Va: base, Len: split - base, Off: off + pageDown(seg.fileOff), Memory: mem, Flags: seg.prot | uabi.MapFixed}
		if _, err := s.Map(&m); err != uabi.OK {
			return loadError(err)
		}
		if tail := split - fileEnd; tail > 0 && seg.memLen > seg.fileLen {
			if err := writeAll(s, fileEnd, zeroPage[:tail]); err != uabi.OK {
				return err
			}
		}
	}
	if seg.end() > split {
		m := vm.MapArgs{Va: split, Len: seg.end() - split, Flags: seg.prot | uabi.MapFixed}
		if _, err := s.Map(&m); err != uabi.OK {
			return loadError(err)
		}
	}
	return uabi.OK
}

// copySegment is loadSegment for a file that does not lie on page boundaries.
func copySegment(s *vm.Space, mem *vm.Memory, off uint64, seg *segment) uabi.Error {
	base := pageDown(seg.va)
	m := vm.MapArgs{Va: base, Len: seg.end() - base, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed}
	if _, err := s.Map(&m); err != uabi.OK {
		return loadError(err)
	}
	if seg.fileLen > 0 {
		done, err := vm.Copy(vm.Place{Space: s, At: seg.va}, vm.Place{Memory: mem, At: off + seg.fileOff}, seg.fileLen)
		if err != uabi.OK || done != seg.fileLen {
			return uabi.ErrNoMem
		}
	}
	if seg.prot == uabi.ProtRead|uabi.ProtWrite {
		return uabi.OK
	}
	return loadError(s.Protect(base, seg.end()-base, seg.prot))
}

// loadStack maps the stack, with a guard page below, and writes its top.
func loadStack(s *vm.Space, args, name []byte) (sp uint64, err uabi.Error) {
	guard := vm.MapArgs{Va: stackLow - arch.PageSize, Len: arch.PageSize, Flags: uabi.MapGuard | uabi.MapFixed}
	if _, err = s.Map(&guard); err != uabi.OK {
		return 0, loadError(err)
	}
	m := vm.MapArgs{Va: stackLow, Len: stackSize, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed}
	if _, err = s.Map(&m); err != uabi.OK {
		return 0, loadError(err)
	}
	var random [randomBytes]byte
	put64(random[:], arch.Random64())
	put64(random[8:], arch.Random64())
	if sp, err = buildStack(stackImage[:], stackTop, args, name, &plan, &random); err != uabi.OK {
		return 0, err
	}
	return sp, writeAll(s, sp, stackImage[stackScratch-(stackTop-sp):])
}

// writeAll writes to memory that was just mapped: only a lack of frames can stop it.
func writeAll(s *vm.Space, va uint64, b []byte) uabi.Error {
	if n, err := s.Write(va, b); err != uabi.OK || n != len(b) {
		return uabi.ErrNoMem
	}
	return uabi.OK
}

// loadError maps what Map can say of a checked plan to what CallProcessStart documents.
func loadError(err uabi.Error) uabi.Error {
	switch err {
	case uabi.OK, uabi.ErrNoMem, uabi.ErrLimit:
		return err
	}
	return uabi.ErrNoExec
}
