package ktrace

import "aramid/ukernel/arch"

// The log functions write pieces of one line; a line ends with Newline. With the kernel lock held for the whole line, lines
// of different CPUs do not mix. None of them allocates.

// Text writes s.
//
//go:noinline
func Text(s string) {
	for i := range len(s) {
		arch.LogByte(s[i])
	}
}

// Bytes writes b with control characters but tab replaced by '?', so that no program can forge a line of another.
func Bytes(b []byte) {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			c = '?'
		}
		arch.LogByte(c)
	}
}

// Dec writes n in decimal.
func Dec(n uint64) {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + n%10)
		n /= 10
		if n == 0 {
			break
		}
	}
	for ; i < len(digits); i++ {
		arch.LogByte(digits[i])
	}
}

// Hex writes n as 0x and hexadecimal digits without leading zeroes.
func Hex(n uint64) {
	const digits = "0123456789abcdef"
	Text("0x")
	shift := 60
	for shift > 0 && n>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		arch.LogByte(digits[n>>shift&15])
	}
}

// Newline ends a line.
func Newline() { arch.LogByte('\n') }

// Line writes one whole line of the kernel: "ukernel: s".
func Line(s string) {
	Text("ukernel: ")
	Text(s)
	Newline()
}
