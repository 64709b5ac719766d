package amd64

// Implemented in ops_amd64.s and entry_amd64.s.

func rdmsr(msr uint32) uint64
func wrmsr0(msr uint32, v uint64)
func rdtsc() uint64
func rdrand() (v uint64, ok bool)
func cpuid(leaf, sub uint32) (a, b, c, d uint32)
func inb0(port uint16) uint8
func inw(port uint16) uint16
func inl(port uint16) uint32
func outb0(port uint16, v uint8)
func outw(port, v uint16)
func outl(port uint16, v uint32)
func readCR3() uint64
func writeCR3(v uint64)
func readCR4() uint64
func writeCR4(v uint64)
func invlpg(va uint64)

//go:noescape
func loadTables(gdt, idt *pseudo, tss uint16)
func pause()
func halt()
func breakpoint()
func testDoubleFault()
func testStack()

// Now returns ns since boot. The TSC is taken to run alike on all CPUs, as on every processor with an invariant TSC, and in QEMU.
func Now() uint64

// SwitchSpace loads a page-table root on this CPU unless it is loaded.
func SwitchSpace(root uint64)

// Addresses of entry points that only hardware reaches; defined in vectors_amd64.s.
var vectorsPC, syscallPC uint64

// Lock takes the kernel lock; while it spins it serves TLB shootdowns. Entries hold it already: only code outside an entry calls this.
func Lock()

// Unlock releases the kernel lock.
func Unlock()

// The functions that assembly calls, as static function values: ABIInternal code can only be called through one. bootFn and enterFn are
// defined by package main, see doc.go.
var (
	prepareFn   = prepare
	startFn     = start
	joinFn      = join
	interruptFn = interrupt
	reportFn    = report
)

// Calls of assembly are long; the commonest ones stand once each.

//go:noinline
func inb(port uint16) uint8 { return inb0(port) }

//go:noinline
func outb(port uint16, v uint8) { outb0(port, v) }

//go:noinline
func wrmsr(msr uint32, v uint64) { wrmsr0(msr, v) }
