// Package tty is a terminal's line discipline (termios(3), N_TTY): what typed bytes become, what is echoed, which signals they
// mean, when a read is satisfied, and what written bytes look like on the line. It is pure: its state is a state.Tty, output waits in
// Out for the device.
package tty

import (
	"bytes"

	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
)

// Limits in bytes.
const (
	MaxLine  = 4095         // of a line being edited
	MaxOut   = 16384        // waiting for the device before a writer waits
	maxInput = 8192         // typed and not yet read before a master waits
	maxEcho  = 2 * MaxOut   // waiting for the device before echoes are dropped
	maxRead  = 8 * maxInput // read but not yet taken
)

// Signals that typed characters mean.
const (
	sigInt  = 2
	sigQuit = 3
	sigTstp = 20
)

const tabStop = 8

// Tty is a line discipline over its state.
type Tty struct{ *state.Tty }

// Control flags that terminals start with: a serial console without options, a pseudo terminal.
const (
	ConsoleFlags = unix.B9600 | unix.CS8 | unix.CREAD | unix.HUPCL | unix.CLOCAL
	PtyFlags     = unix.B38400 | unix.CS8 | unix.CREAD
)

// Reset gives the state Linux's default settings.
func Reset(s *state.Tty, cflag uint32) {
	s.Iflag = unix.ICRNL | unix.IXON
	s.Oflag = unix.OPOST | unix.ONLCR
	s.Cflag, s.Speed = cflag, speed(cflag)
	s.Lflag = unix.ISIG | unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL | unix.ECHOKE | unix.IEXTEN
	s.Cc = make([]byte, ccLen)
	for i, c := range map[int]byte{
		unix.VINTR: 3, unix.VQUIT: 0x1c, unix.VERASE: 0x7f, unix.VKILL: 0x15, unix.VEOF: 4, unix.VMIN: 1,
		unix.VSTART: 0x11, unix.VSTOP: 0x13, unix.VSUSP: 0x1a, unix.VREPRINT: 0x12, unix.VDISCARD: 0xf,
		unix.VWERASE: 0x17, unix.VLNEXT: 0x16,
	} {
		s.Cc[i] = c
	}
	s.NextLiteral, s.Stopped, s.Column = false, false, 0
}

// ccLen is NCCS of the kernel's struct termios.
const ccLen = 19

func (t Tty) local(f uint32) bool { return t.Lflag&f != 0 }

// is reports whether c is the special character i; a character of 0 is switched off.
func (t Tty) is(c byte, i int) bool { return c != 0 && t.Cc[i] == c }

// Input takes one typed byte. sig is the signal that it means for the foreground process group, or 0.
func (t Tty) Input(c byte) (sig uint32) {
	if t.Iflag&unix.ISTRIP != 0 {
		c &= 0x7f
	}
	if t.NextLiteral {
		t.NextLiteral = false
		t.accept(c)
		return 0
	}
	if t.Iflag&unix.IXON != 0 && (t.is(c, unix.VSTART) || t.is(c, unix.VSTOP)) {
		t.Flow(t.is(c, unix.VSTOP))
		return 0
	}
	if t.Stopped && t.Iflag&unix.IXANY != 0 {
		t.Flow(false)
	}
	if t.local(unix.ISIG) {
		if sig = t.signal(c); sig != 0 {
			t.interrupt(c)
			return sig
		}
	}
	switch {
	case c == '\r' && t.Iflag&unix.IGNCR != 0:
		return 0
	case c == '\r' && t.Iflag&unix.ICRNL != 0:
		c = '\n'
	case c == '\n' && t.Iflag&unix.INLCR != 0:
		c = '\r'
	}
	if t.local(unix.ICANON) {
		t.edit(c)
	} else {
		t.accept(c)
	}
	return 0
}

func (t Tty) signal(c byte) uint32 {
	switch {
	case t.is(c, unix.VINTR):
		return sigInt
	case t.is(c, unix.VQUIT):
		return sigQuit
	case t.is(c, unix.VSUSP):
		return sigTstp
	}
	return 0
}

func (t Tty) interrupt(c byte) {
	if !t.local(unix.NOFLSH) {
		t.Flush()
	}
	t.Flow(false)
	t.echo(c)
}

// Flush drops what was typed and not read.
func (t Tty) Flush() {
	t.Line, t.Ready, t.Lines = nil, nil, nil
	t.tell(unix.TIOCPKT_FLUSHREAD, 0)
}

// FlushOut drops what was written and not sent.
func (t Tty) FlushOut() {
	t.Out = nil
	t.tell(unix.TIOCPKT_FLUSHWRITE, 0)
}

// Flow stops or starts output.
func (t Tty) Flow(stop bool) {
	if stop == t.Stopped {
		return
	}
	t.Stopped = stop
	if stop {
		t.tell(unix.TIOCPKT_STOP, unix.TIOCPKT_START)
	} else {
		t.tell(unix.TIOCPKT_START, unix.TIOCPKT_STOP)
	}
}

// tell changes what a master in packet mode reads next (ioctl_tty(2), TIOCPKT).
func (t Tty) tell(set, clear uint32) {
	if t.Packet {
		t.PacketStatus = t.PacketStatus&^clear | set
	}
}

// Room is how many bytes a master may write now.
func (t Tty) Room() int {
	if t.local(unix.ICANON) && len(t.Lines) == 0 {
		return maxInput // an overlong line is cut off, so that its end can still come
	}
	return max(maxInput-len(t.Ready)-len(t.Line), 0)
}

// edit is canonical mode: special characters, then the line.
func (t Tty) edit(c byte) {
	ext := t.local(unix.IEXTEN)
	switch {
	case t.is(c, unix.VERASE):
		t.erase(1)
	case ext && t.is(c, unix.VWERASE):
		t.erase(t.wordLen())
	case t.is(c, unix.VKILL):
		t.kill()
	case ext && t.is(c, unix.VLNEXT):
		t.NextLiteral = true
		if t.local(unix.ECHO) && t.local(unix.ECHOCTL) {
			t.put('^', '\b')
		}
	case ext && t.is(c, unix.VREPRINT):
		t.reprint(c)
	case t.is(c, unix.VEOF):
		t.endLine()
	case c == '\n':
		if t.local(unix.ECHO) || t.local(unix.ECHONL) {
			t.Emit([]byte{'\n'})
		}
		t.Line = append(t.Line, c)
		t.endLine()
	case t.is(c, unix.VEOL) || ext && t.is(c, unix.VEOL2):
		t.echo(c)
		t.Line = append(t.Line, c)
		t.endLine()
	default:
		t.accept(c)
	}
}

// accept takes a byte as data.
func (t Tty) accept(c byte) {
	if t.local(unix.ICANON) {
		if len(t.Line) >= MaxLine {
			return
		}
		t.Line = append(t.Line, c)
		t.echo(c)
		return
	}
	if len(t.Ready) < maxRead {
		t.Ready = append(t.Ready, c)
	}
	t.echo(c)
}

// endLine makes the edited line readable; an empty one is an end of file.
func (t Tty) endLine() {
	t.Ready = append(t.Ready, t.Line...)
	t.Lines = append(t.Lines, uint32(len(t.Line)))
	t.Line = nil
}

// echo shows a typed byte, control characters as ^X.
func (t Tty) echo(c byte) {
	if !t.local(unix.ECHO) || len(t.Out) >= maxEcho {
		return
	}
	t.put([]byte(t.shown(c))...)
}

func (t Tty) shown(c byte) string {
	if t.local(unix.ECHOCTL) && control(c) {
		return string([]byte{'^', c ^ 0x40})
	}
	return string([]byte{c})
}

// control characters are shown as two; tab and newline as themselves.
func control(c byte) bool { return c < 0x20 && c != '\t' && c != '\n' || c == 0x7f }

func (t Tty) put(b ...byte) { t.Emit(b) }

// erase takes n bytes off the line and off the screen.
func (t Tty) erase(n int) {
	for ; n > 0 && len(t.Line) > 0; n-- {
		cut := len(t.Line) - 1
		for cut > 0 && t.Line[cut]&0xc0 == 0x80 && t.Iflag&unix.IUTF8 != 0 {
			cut--
		}
		c := t.Line[cut]
		before := t.column(cut)
		width := t.column(len(t.Line)) - before
		t.Line = t.Line[:cut]
		if !t.local(unix.ECHO) {
			continue
		}
		if !t.local(unix.ECHOE) {
			t.put(t.Cc[unix.VERASE])
			continue
		}
		if c == '\t' {
			t.put(bytes.Repeat([]byte{'\b'}, width)...)
			continue
		}
		t.put(bytes.Repeat([]byte("\b \b"), width)...)
	}
}

// column is how wide the first n bytes of the line are shown.
func (t Tty) column(n int) int {
	w := 0
	for _, c := range t.Line[:n] {
		switch {
		case c == '\t':
			w += tabStop - w%tabStop
		case control(c) && t.local(unix.ECHOCTL):
			w += 2
		case control(c) || c&0xc0 == 0x80 && t.Iflag&unix.IUTF8 != 0:
		default:
			w++
		}
	}
	return w
}

func (t Tty) wordLen() int {
	i := len(t.Line)
	for i > 0 && (t.Line[i-1] == ' ' || t.Line[i-1] == '\t') {
		i--
	}
	for i > 0 && t.Line[i-1] != ' ' && t.Line[i-1] != '\t' {
		i--
	}
	return len(t.Line) - i
}

func (t Tty) kill() {
	if t.local(unix.ECHOKE) && t.local(unix.ECHOE) {
		t.erase(len(t.Line))
		return
	}
	t.Line = nil
	t.echo(t.Cc[unix.VKILL])
	if t.local(unix.ECHOK) {
		t.put('\n')
	}
}

func (t Tty) reprint(c byte) {
	if !t.local(unix.ECHO) {
		return
	}
	t.echo(c)
	t.put('\n')
	for _, c := range t.Line {
		t.echo(c)
	}
}

// Emit is output processing: b goes to Out as the terminal is to see it.
func (t Tty) Emit(b []byte) {
	if t.Oflag&unix.OPOST == 0 {
		t.Out = append(t.Out, b...)
		return
	}
	for _, c := range b {
		switch {
		case c == '\n':
			if t.Oflag&unix.ONLCR != 0 {
				t.Out = append(t.Out, '\r')
				t.Column = 0
			}
			if t.Oflag&unix.ONLRET != 0 {
				t.Column = 0
			}
		case c == '\r' && t.Oflag&unix.OCRNL != 0:
			c = '\n'
		case c == '\r' && t.Oflag&unix.ONOCR != 0 && t.Column == 0:
			continue
		case c == '\r':
			t.Column = 0
		case c == '\t':
			n := tabStop - t.Column%tabStop
			t.Column += n
			if t.Oflag&unix.TABDLY == unix.XTABS {
				t.Out = append(t.Out, bytes.Repeat([]byte{' '}, int(n))...)
				continue
			}
		case c == '\b':
			t.Column -= min(t.Column, 1)
		case c >= 0x20 && c&0xc0 != 0x80:
			t.Column++
		}
		t.Out = append(t.Out, c)
	}
}

// Readable reports what poll(2) says of reading: a time limit between bytes makes the first one enough.
func (t Tty) Readable() bool {
	if t.local(unix.ICANON) {
		return len(t.Lines) > 0
	}
	least := 1
	if t.Cc[unix.VTIME] == 0 {
		least = max(1, int(t.Cc[unix.VMIN]))
	}
	return len(t.Ready) >= least
}

// tenth is the unit of VTIME, ns.
const tenth = 1e8

// Satisfied reports whether a read of n bytes ends with what is there now. If it does not, it ends after limit ns (0: never) without
// another byte.
func (t Tty) Satisfied(n int) (ok bool, limit uint64) {
	if t.local(unix.ICANON) {
		return len(t.Lines) > 0, 0
	}
	least, time := int(t.Cc[unix.VMIN]), uint64(t.Cc[unix.VTIME])*tenth
	switch have := len(t.Ready); {
	case least == 0 && time == 0 || have >= n:
		return true, 0
	case least == 0:
		return have > 0, time
	case have > 0:
		return have >= least, time
	}
	return false, 0
}

// Counting reports whether a read may wait although there is something to read: each byte must wake it.
func (t Tty) Counting() bool { return !t.local(unix.ICANON) && t.Cc[unix.VMIN] > 1 }

// Waiting is FIONREAD: how many bytes the next reads give.
func (t Tty) Waiting() int { return len(t.Ready) }

// Some reports whether there is anything to read.
func (t Tty) Some() bool {
	if t.local(unix.ICANON) {
		return len(t.Lines) > 0
	}
	return len(t.Ready) > 0
}

// Peek returns what a read of n bytes gives; Take then takes it away.
func (t Tty) Peek(n int) []byte {
	if t.local(unix.ICANON) {
		if len(t.Lines) == 0 {
			return nil
		}
		return t.Ready[:min(n, int(t.Lines[0]))]
	}
	return t.Ready[:min(n, len(t.Ready))]
}

// Take removes n bytes that Peek gave.
func (t Tty) Take(n int) {
	t.Ready = t.Ready[n:]
	if len(t.Ready) == 0 {
		t.Ready = nil
	}
	if !t.local(unix.ICANON) || len(t.Lines) == 0 {
		return
	}
	if t.Lines[0] -= uint32(n); t.Lines[0] == 0 {
		t.Lines = t.Lines[1:]
	}
	if len(t.Lines) == 0 {
		t.Lines = nil
	}
}
