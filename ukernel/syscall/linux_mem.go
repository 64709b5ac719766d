package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Protection and flags of mmap(2), and advice of madvise(2).
const (
	protRead, protWrite, protExec = 1, 2, 4

	mapPrivate   = 0x02
	mapFixed     = 0x10
	mapAnonymous = 0x20
	mapStack     = 0x20000
	mapNoReserve = 0x4000

	madvDontNeed = 4
)

// protOf turns Linux's protection bits into ours. ok is false for what is not known or breaks W^X.
func protOf(prot uint64) (p uint32, ok bool) {
	if prot&^(protRead|protWrite|protExec) != 0 || prot&protWrite != 0 && prot&protExec != 0 {
		return 0, false
	}
	if prot&protRead != 0 {
		p |= uabi.ProtRead
	}
	if prot&protWrite != 0 {
		p |= uabi.ProtRead | uabi.ProtWrite
	}
	if prot&protExec != 0 {
		p |= uabi.ProtRead | uabi.ProtExec
	}
	return p, true
}

// mmap is mmap(2) of private anonymous memory; PROT_NONE reserves addresses. A hint is taken if the range is free.
func mmap(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	prot, ok := protOf(r.RDX)
	if !ok || r.R10&^(mapFixed|mapNoReserve|mapStack) != mapPrivate|mapAnonymous || r.RSI == 0 || r.RSI > uabi.MaxUser {
		return 0, einval
	}
	m := vm.MapArgs{Va: r.RDI, Len: pageUp(r.RSI), Flags: prot}
	if r.R10&mapFixed != 0 {
		if pages(m.Va, m.Len) != uabi.OK {
			return 0, einval
		}
		m.Flags |= uabi.MapFixed
	} else if pages(m.Va, m.Len) != uabi.OK {
		m.Va = 0
	}
	v, err := t.Space.Map(&m)
	if err == uabi.ErrExists {
		m.Va = 0
		v, err = t.Space.Map(&m)
	}
	return v, errnoOf(err)
}

// munmap is munmap(2).
func munmap(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	n := pageUp(r.RSI)
	if pages(r.RDI, n) != uabi.OK {
		return 0, einval
	}
	more, err := t.Space.Unmap(r.RDI, n)
	return piece(r, more, err)
}

// piece ends a call that vm does in pieces: the next one is made by executing SYSCALL again.
func piece(r *uabi.Regs, more bool, err uabi.Error) (v, errno uint64) {
	if more && err == uabi.OK {
		r.RIP -= syscallLen
		return 0, linuxAgain
	}
	return 0, errnoOf(err)
}

// mprotect is mprotect(2).
func mprotect(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	prot, ok := protOf(r.RDX)
	n := pageUp(r.RSI)
	if !ok || pages(r.RDI, n) != uabi.OK {
		return 0, einval
	}
	return 0, errnoOf(t.Space.Protect(r.RDI, n, prot))
}

// madvise is madvise(2): only MADV_DONTNEED. The runtime falls back to it from the others, which a Linux without huge pages
// refuses as well.
func madvise(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	n := pageUp(r.RSI)
	if r.RDX != madvDontNeed || pages(r.RDI, n) != uabi.OK {
		return 0, einval
	}
	more, err := t.Space.Discard(r.RDI, n)
	return piece(r, more, err)
}

// The flags that the runtime's newosproc passes to clone(2): a thread. CLONE_SETTLS may be added.
const (
	cloneThread = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 // VM FS FILES SIGHAND THREAD SYSVSEM
	cloneSetTLS = 0x80000
)

// clone is clone(2) of a thread.
func clone(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	if r.RDI&^cloneSetTLS != cloneThread || r.RSI >= uabi.MaxUser || r.R8 >= uabi.MaxUser {
		return 0, einval
	}
	n, err := ipc.NewNative(t.Proc)
	if err != uabi.OK {
		return 0, eagain
	}
	n.Ctx.Regs = *r
	n.Ctx.FX = t.Ctx.FX
	n.Ctx.Full = 0
	c := &n.Ctx.Regs
	c.RAX = 0
	if r.RSI != 0 {
		c.RSP = r.RSI
	}
	if r.RDI&cloneSetTLS != 0 {
		c.FSBase = r.R8
	}
	c.RCX = c.RIP
	threadState(n).mask = threadState(t).mask
	ready(n)
	return n.ID, 0
}

// userStart gives a context the state of a program's first instruction (System V ABI, AMD64 supplement §3.4.1).
func userStart(c *arch.Context, entry, sp uint64) {
	c.Regs.RIP, c.Regs.RSP, c.Regs.Flags = entry, sp, forcedFlags
	c.ResetFX()
	c.Full = 1
}
