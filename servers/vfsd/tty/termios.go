package tty

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Sizes of the kernel's struct termios and termios2 (asm-generic/termbits.h).
const (
	TermiosSize  = 4*4 + 1 + ccLen
	Termios2Size = TermiosSize + 2*4
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
		b = le.AppendUint32(b, t.Speed)
		b = le.AppendUint32(b, t.Speed)
	}
	return b
}

// SetTermios decodes struct termios, or termios2 with its speeds; false: too short. What is locked stays as it is. A pseudo terminal
// has eight bits and no parity.
func (t Tty) SetTermios(b []byte) bool {
	if len(b) < TermiosSize {
		return false
	}
	le := binary.LittleEndian
	was, flow := t.Lflag, t.flow()
	t.Iflag = mix(t.Iflag, le.Uint32(b), t.lock(0))
	t.Oflag = mix(t.Oflag, le.Uint32(b[4:]), t.lock(4))
	t.Cflag = mix(t.Cflag, le.Uint32(b[8:]), t.lock(8))
	t.Lflag = mix(t.Lflag, le.Uint32(b[12:]), t.lock(12))
	if t.Devpts != 0 {
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CREAD
	}
	cc := append([]byte(nil), b[ccOff:ccOff+ccLen]...)
	for i := range cc {
		if len(t.TermiosLock) >= TermiosSize && t.TermiosLock[ccOff+i] != 0 {
			cc[i] = t.Cc[i]
		}
	}
	t.Cc = cc
	t.Speed = speed(t.Cflag)
	if t.Cflag&unix.CBAUD == unix.BOTHER && len(b) >= Termios2Size {
		t.Speed = le.Uint32(b[Termios2Size-4:])
	}
	t.reline(was)
	if t.flow() != flow {
		if t.flow() {
			t.tell(unix.TIOCPKT_DOSTOP, unix.TIOCPKT_NOSTOP)
		} else {
			t.tell(unix.TIOCPKT_NOSTOP, unix.TIOCPKT_DOSTOP)
		}
	}
	if t.Iflag&unix.IXON == 0 {
		t.Flow(false)
	}
	return true
}

// reline makes what was typed fit the new mode: leaving canonical mode frees an unfinished line, entering it ends one.
func (t Tty) reline(was uint32) {
	switch canon := t.Lflag & unix.ICANON; {
	case canon == was&unix.ICANON:
	case canon == 0:
		t.Ready = append(t.Ready, t.Line...)
		t.Line, t.Lines = nil, nil
	case len(t.Ready) > 0:
		t.Lines = []uint32{uint32(len(t.Ready))}
	}
}

// flow reports whether ^S and ^Q stop and start output, as packet mode tells it.
func (t Tty) flow() bool {
	return t.Iflag&unix.IXON != 0 && t.Cc[unix.VSTOP] == 0x13 && t.Cc[unix.VSTART] == 0x11
}

// lock is a flag word of what TIOCSLCKTRMIOS locked.
func (t Tty) lock(off int) uint32 {
	if len(t.TermiosLock) < TermiosSize {
		return 0
	}
	return binary.LittleEndian.Uint32(t.TermiosLock[off:])
}

func mix(old, new, locked uint32) uint32 { return old&locked | new&^locked }

// speeds are the bits per second of the codes from B0 and from B57600 on (asm-generic/termbits.h).
var (
	speeds     = [...]uint32{0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400}
	fastSpeeds = [...]uint32{0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000}
)

// speed gives the bits per second of a setting.
func speed(cflag uint32) uint32 {
	i := cflag & (unix.CBAUD &^ unix.CBAUDEX)
	if cflag&unix.CBAUDEX != 0 {
		return fastSpeeds[i]
	}
	return speeds[i]
}
