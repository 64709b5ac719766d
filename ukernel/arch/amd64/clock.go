package amd64

import (
	"math/bits"
	"sync/atomic"
)

// 8254 timer and the speaker gate (Intel 8254 data sheet): channel 2 runs free as the reference for the TSC and the APIC timer.
const (
	pitHz       = 1193182
	pitChannel2 = 0x42
	pitCommand  = 0x43
	pitMode2    = 0xb4 // channel 2, low then high byte, rate generator
	pitLatch2   = 0x80
	gatePort    = 0x61
	gateOn      = 1
	speakerOn   = 2
	pitWindow   = pitHz / 200 // 5 ms
	pitSamples  = 5
)

const nsPerSecond = 1e9

var (
	tscStart uint64 // TSC at boot
	tscHz    uint64
	// ns = TSC × nsMult / 2^32; APIC ticks = ns × tickMult / 2^32.
	nsMult, tickMult uint64
	// lastRandom feeds Random64 where RDRAND is missing.
	lastRandom uint64
)

// sample reads TSC, PIT and APIC counter at one moment: of a few tries the one that took least, since the host may stop us in between.
func sample() (tsc uint64, pit, apic uint32) {
	best := ^uint64(0)
	for range pitSamples {
		a := rdtsc()
		outb(pitCommand, pitLatch2)
		ticks := apicRead(apicCurrent)
		b := rdtsc()
		low := inb(pitChannel2)
		n := uint32(low) | uint32(inb(pitChannel2))<<8
		if b-a < best {
			best, tsc, pit, apic = b-a, a+(b-a)/2, n, ticks
		}
	}
	return tsc, pit, apic
}

// calibrate finds the rates of TSC and APIC timer against the PIT in about 5 ms.
func calibrate() {
	outb(gatePort, inb(gatePort)&^speakerOn|gateOn)
	outb(pitCommand, pitMode2)
	outb(pitChannel2, 0)
	outb(pitChannel2, 0) // 65536: 55 ms
	apicWrite(apicLVTTimer, apicMasked)
	apicWrite(apicCount, ^uint32(0))
	t0, p0, a0 := sample()
	t1, p1, a1 := sample()
	for (p0-p1)&0xffff < pitWindow {
		t1, p1, a1 = sample()
	}
	apicWrite(apicCount, 0)
	span := uint64((p0 - p1) & 0xffff)
	tscHz = (t1 - t0) * pitHz / span
	apicHz := uint64(a0-a1) * pitHz / span
	nsMult, _ = bits.Div64(nsPerSecond>>32, nsPerSecond<<32&(1<<64-1), max(tscHz, 1))
	tickMult = apicHz << 32 / nsPerSecond
}

// TSCHz is the rate of the time stamp counter.
func TSCHz() uint64 { return tscHz }

// ClockParams says how Now comes from the TSC, (TSC − start) × mult / 2^32, and whether RDTSCP tells a program which CPU it runs on.
func ClockParams() (start, mult uint64, numbered bool) { return tscStart, nsMult, hasTSCAux }

// Arm sets this CPU's one-shot timer to an absolute time; 0 disarms. A time beyond the timer's range raises VecTimer early.
func Arm(deadline uint64) {
	p := self()
	if p.armed == deadline {
		return
	}
	p.armed = deadline
	if deadline == 0 {
		apicWrite(apicCount, 0)
		return
	}
	now := Now()
	ticks := uint64(1)
	if deadline > now {
		hi, lo := bits.Mul64(deadline-now, tickMult)
		ticks = min(hi<<32|lo>>32+1, 1<<32-1)
		if hi>>32 != 0 {
			ticks = 1<<32 - 1
		}
	}
	apicWrite(apicCount, uint32(ticks))
}

// spin waits for ns.
func spin(ns uint64) {
	end := Now() + ns
	for Now() < end {
		pause()
	}
}

// Random64 returns a random number: RDRAND, or where that is missing or fails, the TSC stirred by splitmix64 (Steele, Lea, Flood 2014).
func Random64() uint64 {
	if hasRDRAND {
		if v, ok := rdrand(); ok {
			return v
		}
	}
	z := atomic.AddUint64(&lastRandom, 0x9e3779b97f4a7c15) ^ rdtsc()
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
