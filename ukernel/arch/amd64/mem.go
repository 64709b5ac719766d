package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// Page-table bits beyond those in hw.
const (
	pteLarge    = 1 << 7
	pteNoCache  = 1<<3 | 1<<4 // write-through and cache-disable: MMIO
	pteKernelRW = hw.PTEPresent | hw.PTEWrite | hw.PTEAccessed | hw.PTEDirty | hw.PTEGlobal | hw.PTENoExec
	pteTable    = hw.PTEPresent | hw.PTEWrite | hw.PTEAccessed
	entries     = 512
	gib         = 1 << 30
)

type table [entries]uint64

// header is what boot/image put at the start of the boot segment.
func header() *hw.ImageHeader { return (*hw.ImageHeader)(Ptr(hw.ImageBase + hw.OffHeader)) }

func tableAt(pa uint64) *table { return (*table)(Ptr(pa)) }

// at is the pointer to a kernel address.
func at(va uint64) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), va) }

// Ptr is the direct map.
func Ptr(pa uint64) unsafe.Pointer { return at(pa + hw.DirectVirtual) }

// Phys is its inverse.
func Phys(p unsafe.Pointer) uint64 { return uint64(uintptr(p)) - hw.DirectVirtual }

// bump is the next free physical address behind the image: page tables of the direct map and kernel stacks come from there.
var bump uint64

// page takes a zeroed page from behind the image.
//
//go:noinline
func page() uint64 {
	pa := bump
	bump += hw.PageSize
	clear(tableAt(pa)[:])
	return pa
}

// buildDirectMap maps all RAM, and no more than RAM rounded to 2 MiB, without execute right. The 2 MiB pieces that hold the kernel image are
// left out: its text has no writable alias.
func buildDirectMap() {
	pdpt := tableAt(hw.ImageBase + hw.OffDirectPDPT)
	kernelEnd := header().KernelEnd
	first := page()
	for i := range nRAM {
		r := &ram[i]
		for pa := r.Base &^ (hw.LargePage - 1); pa < r.Base+r.Len; pa += hw.LargePage {
			if pa >= hw.KernelBase && pa < kernelEnd {
				continue
			}
			slot := pa / gib
			if slot == 0 {
				tableAt(first)[pa/hw.LargePage] = pa | pteLarge | pteKernelRW
				continue
			}
			if pdpt[slot] == 0 {
				pdpt[slot] = page() | pteTable
			}
			tableAt(pdpt[slot] & hw.PTEFrame)[pa/hw.LargePage%entries] = pa | pteLarge | pteKernelRW
		}
	}
	pdpt[0] = first | pteTable
}

// mapped reports whether n bytes from pa are in the direct map.
func mapped(pa, n uint64) bool {
	if n == 0 || pa+n < pa || (pa+n-1)/gib >= entries {
		return false
	}
	pdpt := tableAt(hw.ImageBase + hw.OffDirectPDPT)
	for a := pa &^ (hw.LargePage - 1); a < pa+n; a += hw.LargePage {
		pd := pdpt[a/gib]
		if pd == 0 || tableAt(pd & hw.PTEFrame)[a/hw.LargePage%entries] == 0 {
			return false
		}
	}
	return true
}

// KernelRoot fills the upper half of a page-table root with the kernel's mappings, which never change.
func KernelRoot(root uint64) {
	copy(tableAt(root)[entries/2:], tableAt(hw.ImageBase + hw.OffKernelPML4)[entries/2:])
}

// Stack pages of one CPU, as page numbers from its stackSlot; what lies between is a guard.
const (
	StackSize  = 8192
	stackSlot  = 32 // pages of address space per CPU
	slotStack  = 1
	slotPanic  = 5
	slotIST    = 9 // + 2 × slot
	apicSlot   = entries - 1
	spillSpace = 64 // above the first call: ABIInternal lets the callee spill its arguments there
	apicWindow = hw.StackVirtual + apicSlot*hw.PageSize
)

func stackPage(cpu, page int) uint64 {
	return hw.StackVirtual + uint64(cpu*stackSlot+page)*hw.PageSize
}

// stackPages has a bit for each page of a CPU's slot that is mapped.
const stackPages = 3<<slotStack | 3<<slotPanic | 1<<slotIST | 1<<(slotIST+2) | 1<<(slotIST+4) | 1<<(slotIST+6)

// The build fails if there are not four IST stacks.
var _ [istCount - 4]struct{}
var _ [4 - istCount]struct{}

func istTop(cpu, slot int) uint64 { return stackPage(cpu, slotIST+2*slot+1) }

// buildStacks maps the stacks of one CPU between guard pages and paints the main one.
func buildStacks(cpu int) {
	pt := tableAt(hw.ImageBase + hw.OffStackPT)
	for n := range stackSlot {
		if stackPages>>uint(n)&1 != 0 {
			pt[cpu*stackSlot+n] = page() | pteKernelRW
		}
	}
	p := &cpus[cpu]
	p.index = uint64(cpu)
	p.stackLo = stackPage(cpu, slotStack)
	p.stackTop = p.stackLo + StackSize - spillSpace
	p.panicTop = stackPage(cpu, slotPanic+2) - spillSpace
	for a := p.stackLo; a < p.stackLo+StackSize; a += 8 {
		*(*uint64)(at(a)) = stackPaint
	}
}

// stackPaint marks stack words that were never used.
const stackPaint = 0x5353535353535353

// StackMax returns the deepest use of a CPU's kernel stack so far, bytes.
func StackMax(cpu int) uint64 {
	p := &cpus[cpu]
	a := p.stackLo
	for a < p.stackTop && *(*uint64)(at(a)) == stackPaint {
		a += 8
	}
	return p.stackLo + StackSize - a
}

// FlushPage drops one page from this CPU's TLB.
func FlushPage(va uint64) { invlpg(va) }

// FlushAll drops all user translations from this CPU's TLB.
func FlushAll() { writeCR3(readCR3()) }

// shootGen is the newest shootdown generation; the entry code takes 1 for "lock not held", so real ones start at 2.
var shootGen uint64 = 1

// Shoot asks the CPUs of mask but this one to flush everything at their next entry, and interrupts them. It returns at once; Acked tells
// when the generation is over. Lock held.
func Shoot(mask uint64) uint64 {
	shootGen++
	me := CPU()
	for c := range cpuCount {
		if c != me && mask>>uint(c)&1 != 0 {
			cpus[c].want = shootGen
			Kick(c)
		}
	}
	return shootGen
}

// Acked reports whether every CPU that was asked in generation gen, or before, has flushed since.
func Acked(gen uint64) bool {
	for c := range cpuCount {
		p := &cpus[c]
		if p.done < gen && p.done != p.want {
			return false
		}
	}
	return true
}
