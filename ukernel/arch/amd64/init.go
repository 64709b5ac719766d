package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// prepare runs first on the boot CPU, on the boot page tables and a stack without guard. pa is the loader's hvm_start_info. When it
// returns, the kernel's own tables are loaded and the real stack can be used.
func prepare(pa uint64) {
	tscStart = rdtsc()
	p := &cpus[0]
	buildTables(false)
	useTables(p) // so that a fault from here on is reported
	ok := readStart(pa)
	startLog()
	if !ok {
		fail("the loader passed no usable PVH start information", statusNoBoot)
	}
	h := header()
	if h.Magic != hw.ImageMagic {
		fail("the image header is damaged", statusNoBoot)
	}
	if !inRAM(hw.ImageBase, h.ImageEnd+minFree) || h.ImageEnd > bootMapped {
		tooLittle(h.ImageEnd)
	}
	bump = h.ImageEnd
	buildDirectMap()
	buildStacks(0)
	mapAPIC()
	features()
	numberCPU(0)
	p.root = hw.ImageBase + hw.OffKernelPML4
	tableAt(p.root)[entries/2] = hw.ImageBase + hw.OffDirectPDPT | pteTable
	writeCR3(p.root)
	buildTables(true)
	useTables(p)
}

// start runs on the boot CPU's real stack: devices, the other CPUs, and what is left for package frame.
func start() {
	h := header()
	startPIC()
	startAPIC(true)
	cpus[0].apicID = apicRead(apicID) >> 24
	calibrate()
	apicWrite(apicLVTTimer, hw.VecTimer)
	limit := int(min(cmdlineNumber("cpus="), MaxCPUs))
	if limit == 0 {
		limit = MaxCPUs
	}
	checkArchive(h)
	if info.Initrd.Len != 0 && !inRAM(info.Initrd.Base, info.Initrd.Base+info.Initrd.Len) {
		fail("the initrd does not lie in RAM", statusNoBoot)
	}
	startOthers(limit)
	if freeRAM() < minFree {
		tooLittle(h.ImageEnd)
	}
	info.Archive = hw.Range{Base: h.ArchiveBase, Len: h.ArchiveLen}
}

// checkArchive compares the checksum: a damaged server would otherwise fail in ways that nobody can read.
func checkArchive(h *hw.ImageHeader) {
	if h.ArchiveLen == 0 {
		fail("the image has no boot archive", statusArchive)
	}
	if h.ArchiveBase%hw.PageSize != 0 || h.ArchiveLen%hw.PageSize != 0 || !mapped(h.ArchiveBase, h.ArchiveLen) {
		fail("the boot archive does not lie in RAM", statusArchive)
	}
	if hw.Sum64(unsafe.Slice((*uint64)(Ptr(h.ArchiveBase)), h.ArchiveLen/8)) != h.ArchiveSum {
		fail("the boot archive is damaged", statusArchive)
	}
}

// fail ends a boot that cannot go on.
func fail(why string, status uint32) {
	text("ukernel: cannot boot: ")
	text(why)
	LogByte('\n')
	PowerOff(status)
}

// Power-off statuses of this package; 2 and 4 are also package syscall's.
const (
	statusNoBoot  = 1 // the loader or its data
	statusArchive = 2 // no boot archive, or a damaged one
	statusMemory  = 4 // too little memory
	statusPanic   = 101
)

func tooLittle(imageEnd uint64) {
	var have uint64
	for i := range nRAM {
		have += ram[i].Len
	}
	text("ukernel: cannot boot: too little memory: ")
	dec(have >> 20)
	text(" MiB of RAM, the image and ")
	dec(minFree >> 20)
	text(" MiB to work with need ")
	dec((imageEnd + minFree) >> 20)
	text(" MiB\n")
	PowerOff(statusMemory)
}

// BootLine reports the machine: "ukernel: N CPUs, M MiB, T ms".
func BootLine() {
	var have uint64
	for i := range nRAM {
		have += ram[i].Len
	}
	text("ukernel: ")
	dec(uint64(cpuCount))
	text(" CPUs, ")
	dec(have >> 20)
	text(" MiB, ")
	dec(Now() / 1e6)
	text(" ms\n")
}

// TextStart is the address of the kernel's text.
func TextStart() uint64 { return header().TextStart }
