package tty

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Sizes of the kernel's struct termios and termios2 (asm-generic/termbits.h).
const (
	TermiosSize  = 4*4 + 1 + ccLen
	Termios2Size = TermiosSize + 2*4
	lineOff      = 16
	ccOff        = 17
)

// Termios encodes the settings as struct termios, or termios2.
func (t Tty) Termios(two bool) []byte {
	b := make([]byte, TermiosSize, Termios2Size)
	le := binary.LittleEndian
	le.PutUint32(b, t.Iflag)
	le.PutUint32(b[4:], t.Oflag)
	le.PutUint32(b[8:], t.Cflag)
	le.PutUint32(b[12:], t.Lflag)
	copy(b[ccOff:], t.Cc)
	if two {
		b = le.AppendUint32(b, speed(t.Cflag))
		b = le.AppendUint32(b, speed(t.Cflag))
	}
	return b
}

// SetTermios decodes struct termios (or the part of termios2 that it shares); false: too short.
func (t Tty) SetTermios(b []byte) bool {
	if len(b) < TermiosSize {
		return false
	}
	le := binary.LittleEndian
	was := t.Lflag
	t.Iflag, t.Oflag, t.Cflag, t.Lflag = le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	t.Cc = append([]byte(nil), b[ccOff:ccOff+ccLen]...)
	switch canon := t.Lflag & unix.ICANON; {
	case canon == was&unix.ICANON:
	case canon == 0:
		t.Ready = append(t.Ready, t.Line...)
		t.Line, t.Lines = nil, nil
	case len(t.Ready) > 0:
		t.Lines = []uint32{uint32(len(t.Ready))}
	}
	return true
}

// speed gives bits per second of a few settings; a terminal that is none has no other.
func speed(cflag uint32) uint32 {
	switch cflag & unix.CBAUD {
	case unix.B9600:
		return 9600
	case unix.B115200:
		return 115200
	}
	return 38400
}
