package amd64

import (
	"sync/atomic"

	"aramid/ukernel/arch/hw"
)

// Local APIC registers (SDM Vol. 3A table 10-1), byte offsets.
const (
	apicID       = 0x20
	apicTPR      = 0x80
	apicEOI      = 0xb0
	apicSpurious = 0xf0
	apicICRLow   = 0x300
	apicICRHigh  = 0x310
	apicLVTTimer = 0x320
	apicLVTPerf  = 0x340
	apicLINT0    = 0x350
	apicLINT1    = 0x360
	apicLVTError = 0x370
	apicCount    = 0x380
	apicCurrent  = 0x390
	apicDivide   = 0x3e0
)

// Values for them.
const (
	apicEnable     = 1 << 8
	apicMasked     = 1 << 16
	apicExtINT     = 7 << 8
	apicNMI        = 4 << 8
	apicDivide16   = 3
	icrInit        = 0x4500
	icrStartup     = 0x4600
	icrNMI         = 0x4400
	icrFixed       = 0x4000
	icrPending     = 1 << 12
	apicBaseEnable = 1 << 11
	apicBaseX2     = 1 << 10
	apicPhysical   = 0xfee00000
)

func apicReg(off uintptr) *uint32 { return (*uint32)(at(apicWindow + uint64(off))) }

func apicRead(off uintptr) uint32 { return atomic.LoadUint32(apicReg(off)) }

//go:noinline
func apicWrite(off uintptr, v uint32) { atomic.StoreUint32(apicReg(off), v) }

// mapAPIC maps the register page; it is shared by all CPUs, each sees its own.
func mapAPIC() {
	tableAt(hw.ImageBase + hw.OffStackPT)[apicSlot] = apicPhysical | pteKernelRW | pteNoCache
}

// startAPIC enables this CPU's APIC in xAPIC mode. The boot CPU gets the 8259's interrupts on LINT0; NMIs come on LINT1 everywhere.
func startAPIC(boot bool) {
	wrmsr(msrAPICBase, apicPhysical|apicBaseEnable|rdmsr(msrAPICBase)&(1<<8))
	apicWrite(apicTPR, 0)
	apicWrite(apicSpurious, apicEnable|hw.VecSpurious)
	lint0 := uint32(apicMasked)
	if boot {
		lint0 = apicExtINT
	}
	apicWrite(apicLINT0, lint0)
	apicWrite(apicLINT1, apicNMI)
	apicWrite(apicLVTError, apicMasked)
	apicWrite(apicLVTPerf, apicMasked)
	apicWrite(apicLVTTimer, hw.VecTimer) // one-shot
	apicWrite(apicDivide, apicDivide16)
	apicWrite(apicEOI, 0)
}

// command sends an interrupt command.
func command(id, low uint32) {
	apicWrite(apicICRHigh, id<<24)
	apicWrite(apicICRLow, low)
	for apicRead(apicICRLow)&icrPending != 0 {
		pause()
	}
}

// Kick interrupts another CPU with VecKick.
//
//go:noinline
func Kick(cpu int) { command(cpus[cpu].apicID, icrFixed|hw.VecKick) }

// 8259 interrupt controllers (Intel 8259A data sheet).
const (
	pic1       = 0x20
	pic2       = 0xa0
	picInit    = 0x11
	pic8086    = 0x01
	picEOI     = 0x20
	picReadISR = 0x0b
	picCascade = 2
	picLines   = 8
	ioDelay    = 0x80
)

// picStart are the writes that move the lines to VecIRQ… and mask all but the cascade: port, value.
var picStart = [...][2]uint8{
	{pic1, picInit}, {pic2, picInit}, {pic1 + 1, hw.VecIRQ}, {pic2 + 1, hw.VecIRQ + picLines},
	{pic1 + 1, 1 << picCascade}, {pic2 + 1, picCascade}, {pic1 + 1, pic8086}, {pic2 + 1, pic8086},
	{pic1 + 1, 0xff &^ (1 << picCascade)}, {pic2 + 1, 0xff},
}

func startPIC() {
	for i := range picStart {
		outb(uint16(picStart[i][0]), picStart[i][1])
	}
}

// IRQMask masks (on) or unmasks interrupt line 0…15.
func IRQMask(line int, on bool) {
	port := uint16(pic1 + 1)
	if line >= picLines {
		port, line = pic2+1, line-picLines
	}
	m := inb(port)
	if on {
		m |= 1 << uint(line&7)
	} else {
		m &^= 1 << uint(line&7)
	}
	outb(port, m)
}

// IRQEnd ends the interrupt of a line.
func IRQEnd(line int) {
	if line >= picLines {
		outb(pic2, picEOI)
	}
	outb(pic1, picEOI)
}

// spurious recognises line 7 or 15 without a request in service: noise, to be forgotten (8259A data sheet, default IR7).
func spurious(line int) bool {
	port := uint16(pic1)
	if line >= picLines {
		port = pic2
	}
	outb(port, picReadISR)
	if inb(port)&(1<<7) != 0 {
		return false
	}
	if line >= picLines {
		outb(pic1, picEOI)
	}
	return true
}

// interrupt runs before enterFn for vectors ≥ 32: it ends local APIC interrupts, and reports false for those that never were.
func interrupt(c *hw.Context) bool {
	v := int(c.Regs.Vector)
	switch {
	case v == hw.VecTimer:
		self().armed = 0
		apicWrite(apicEOI, 0)
	case v == hw.VecKick:
		apicWrite(apicEOI, 0)
	case v == hw.VecSpurious:
		return false
	case v == hw.VecIRQ+7, v == hw.VecIRQ+15:
		return !spurious(v - hw.VecIRQ)
	}
	return true
}
