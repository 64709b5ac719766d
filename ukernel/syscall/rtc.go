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
	y, mo, d := fromBCD(cmos(rtcYear)), fromBCD(cmos(rtcMonth)), fromBCD(cmos(rtcDay))
	h, mi, s := fromBCD(cmos(rtcHour)), fromBCD(cmos(rtcMinute)), fromBCD(cmos(rtcSecond))
	if mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 59 {
		return
	}
	const second = 1_000_000_000
	sec := daysSince1970(century+y, mo, d)*86400 + h*3600 + mi*60 + s
	realtimeBase = sec*second - arch.Now()
}

func cmos(reg uint32) uint64 {
	arch.Out(cmosIndex, 1, reg)
	return uint64(arch.In(cmosData, 1) & 0xff)
}

func fromBCD(v uint64) uint64 { return v>>4*10 + v&15 }

// daysSince1970 counts days of the Gregorian calendar, with years that begin in March so that the leap day comes last.
func daysSince1970(y, m, d uint64) uint64 {
	if m <= 2 {
		y--
		m += 12
	}
	const to1970 = 719469 // days from March 1 of year 0 to January 1, 1970, and the first day's own
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d + 0 - to1970
}
