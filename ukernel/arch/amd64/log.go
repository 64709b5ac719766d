package amd64

// Log ports: a 16550 UART (National Semiconductor PC16550D) or QEMU's and Bochs' debug console.
const (
	com1         = 0x3f8
	com2         = 0x2f8
	debugcon     = 0xe9
	uartLCR      = 3
	uartLSR      = 5
	uartEmpty    = 0x20
	uartDLAB     = 0x80
	uart8N1      = 3
	uartFIFO     = 7
	uartMCR      = 4
	uartReady    = 3
	uartDivisor  = 1 // 115200 baud
	uartMaxPolls = 100000
)

var logPort uint16 = com1

// startLog chooses the port by the command line's log=com2 or log=debugcon.
func startLog() {
	switch {
	case cmdlineHas("log=debugcon"):
		logPort = debugcon
		return
	case cmdlineHas("log=com2"):
		logPort = com2
	}
	for i := range uartStart {
		outb(logPort+uint16(uartStart[i][0]), uartStart[i][1])
	}
}

// uartStart are the writes that set a UART up: register, value. 115200 baud, 8N1, no interrupts.
var uartStart = [...][2]uint8{
	{1, 0}, {uartLCR, uartDLAB}, {0, uartDivisor}, {1, 0}, {uartLCR, uart8N1}, {2, uartFIFO}, {uartMCR, uartReady},
}

// LogByte writes one byte to the log port. A UART that never drains loses bytes rather than hang the machine.
//
//go:noinline
func LogByte(b byte) {
	if logPort != debugcon {
		for range uartMaxPolls {
			if inb(logPort+uartLSR)&uartEmpty != 0 {
				break
			}
		}
	}
	outb(logPort, b)
}

// text is never inlined: it is called from everywhere, and code is counted.
//
//go:noinline
func text(s string) {
	for i := range len(s) {
		LogByte(s[i])
	}
}

//go:noinline
func dec(n uint64) {
	var d [20]byte
	i := len(d)
	for {
		i--
		d[i] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			break
		}
	}
	for ; i < len(d); i++ {
		LogByte(d[i])
	}
}

// hex writes n with all 16 digits, so that registers stand in columns.
//
//go:noinline
func hex(n uint64) {
	for s := 60; s >= 0; s -= 4 {
		LogByte("0123456789abcdef"[n>>uint(s)&15])
	}
}

// In reads an I/O port of width 1, 2 or 4 bytes.
func In(port uint16, width int) uint32 {
	switch width {
	case 1:
		return uint32(inb(port))
	case 2:
		return uint32(inw(port))
	default:
		return inl(port)
	}
}

// Out writes one.
func Out(port uint16, width int, v uint32) {
	switch width {
	case 1:
		outb(port, uint8(v))
	case 2:
		outw(port, uint16(v))
	default:
		outl(port, v)
	}
}

// Power-off ports: QEMU's isa-debug-exit; the ACPI PM1a control blocks of its q35 and pc machines, with SLP_EN and type 0.
const (
	portDebugExit = 0xf4
	portPM35      = 0x604
	portPMPC      = 0xb004
	sleepEnable   = 0x2000
)

// PowerOff ends the machine. With isa-debug-exit QEMU's exit status is 2×status+1; ports that do not exist swallow the write.
func PowerOff(status uint32) {
	text("ukernel: power off, status ")
	dec(uint64(status))
	LogByte('\n')
	outl(portDebugExit, status)
	outw(portPM35, sleepEnable)
	outw(portPMPC, sleepEnable)
	halt()
}

// LogText writes s to the log port.
func LogText(s string) { text(s) }
