package syscall

import "aramid/ukernel/arch"

// The CMOS clock's ports and registers (Motorola MC146818A), which QEMU's machines keep in UTC.
const (
	cmosIndex   = 0x70
	cmosData    = 0x71
	rtcSecond   = 0
	rtcMinute   = 2
	rtcHour     = 4
	rtcDay      = 7
	rtcMonth    = 8
	rtcYear     = 9
	rtcStatusA  = 10
	rtcUpdating = 1 << 7
	rtcTries    = 10000
	century     = 2000
)

// readClock sets CLOCK_REALTIME from the CMOS clock; a machine without one starts in 1970.
func readClock() {
	for range rtcTries {
		if cmos(rtcStatusA)&rtcUpdating == 0 {
			break
		}
	}
	var v [len(rtcFields)]uint64
	for i := range rtcFields {
		f := &rtcFields[i]
		n := uint64(cmos(f.register))
		v[i] = n>>4*10 + n&15 // BCD
		if v[i] < f.low || v[i] > f.high {
			return
		}
	}
	const second = 1_000_000_000
	sec := daysSince1970(century+v[0], v[1], v[2])*86400 + v[3]*3600 + v[4]*60 + v[5]
	realtimeBase = sec*second - arch.Now()
}

// rtcFields are the registers that readClock reads, in this order, and what they may hold.
var rtcFields = [...]struct {
	register  uint32
	low, high uint64
}{
	{rtcYear, 0, 99}, {rtcMonth, 1, 12}, {rtcDay, 1, 31}, {rtcHour, 0, 23}, {rtcMinute, 0, 59}, {rtcSecond, 0, 59},
}

func cmos(register uint32) uint32 {
	arch.Out(cmosIndex, 1, register)
	return arch.In(cmosData, 1) & 0xff
}

// daysSince1970 counts days of the Gregorian calendar, with years that begin in March so that the leap day comes last.
func daysSince1970(y, m, d uint64) uint64 {
	if m <= 2 {
		y--
		m += 12
	}
	const to1970 = 719469 // days from March 1 of year 0 to January 1, 1970, and the first day's own
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d + 0 - to1970
}
