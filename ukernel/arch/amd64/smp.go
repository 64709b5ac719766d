package amd64

import (
	"sync/atomic"
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// ACPI tables (ACPI 6.5 §5.2): offsets in bytes.
const (
	rsdpSize      = 20
	rsdpRSDT      = 16
	tableLength   = 4
	tableHeader   = 36
	signatureMADT = 0x43495041 // "APIC"
	madtEntries   = 44
	madtLocalAPIC = 0
	madtAPICSize  = 8
	madtEnabled   = 1
)

// Times of the start sequence (SDM Vol. 3A §8.4.4.1), ns.
const (
	initDelay    = 200e3
	startTimeout = 2e9
)

func word32(pa uint64) uint32 { return *(*uint32)(Ptr(pa)) }
func byteAt(pa uint64) byte   { return *(*byte)(Ptr(pa)) }

// findMADT walks RSDP and RSDT; 0 if there is none within RAM.
func findMADT() uint64 {
	if !mapped(rsdp, rsdpSize) || rsdp == 0 {
		return 0
	}
	rsdt := uint64(word32(rsdp + rsdpRSDT))
	if !mapped(rsdt, tableHeader) {
		return 0
	}
	n := uint64(word32(rsdt + tableLength))
	if !mapped(rsdt, n) {
		return 0
	}
	for off := uint64(tableHeader); off+4 <= n; off += 4 {
		t := uint64(word32(rsdt + off))
		if mapped(t, tableHeader) && word32(t) == signatureMADT && mapped(t, uint64(word32(t+tableLength))) {
			return t
		}
	}
	return 0
}

// startOthers starts the CPUs that the MADT lists as enabled, up to limit in all, one after the other. Without a MADT there is one CPU.
func startOthers(limit int) {
	cpuCount = 1
	madt := findMADT()
	if madt == 0 {
		return
	}
	prepareTrampoline()
	end := madt + uint64(word32(madt+tableLength))
	for e := madt + madtEntries; e+2 <= end; e += uint64(byteAt(e + 1)) {
		size := byteAt(e + 1)
		if size < 2 {
			return
		}
		if byteAt(e) != madtLocalAPIC || size < madtAPICSize || word32(e+4)&madtEnabled == 0 {
			continue
		}
		id := uint32(byteAt(e + 3))
		if id != cpus[0].apicID && cpuCount < limit {
			startCPU(id)
		}
	}
}

// prepareTrampoline copies the real-mode part to where a SIPI can point.
func prepareTrampoline() {
	n := header().TrampolineLen
	src := unsafe.Slice((*byte)(Ptr(hw.ImageBase+hw.OffTrampoline)), n)
	copy(unsafe.Slice((*byte)(Ptr(hw.TrampolineBase)), n), src)
}

// startCPU starts one CPU and waits for it; one that does not answer is left out.
func startCPU(id uint32) {
	p := &cpus[cpuCount]
	if p.stackTop == 0 {
		buildStacks(cpuCount)
	}
	p.apicID = id
	startup = p
	cpuCount++
	command(id, icrInit)
	spin(initDelay)
	for range 2 {
		command(id, icrStartup|hw.TrampolineBase/hw.PageSize)
		end := Now() + startTimeout
		for Now() < end {
			if atomic.LoadUint32(&p.online) != 0 {
				return
			}
			pause()
		}
	}
	command(id, icrInit)
	cpuCount--
	text("ukernel: a CPU does not start: APIC id ")
	dec(uint64(id))
	LogByte('\n')
}

// join runs on a started CPU, on its own stack and the boot page tables. It returns to take part in the scheduling.
func join(p *percpu) {
	useTables(p) // first: from here on a fault is reported
	features()
	numberCPU(uint32(CPU()))
	p.root = hw.ImageBase + hw.OffKernelPML4
	writeCR3(p.root)
	startAPIC(false)
}
