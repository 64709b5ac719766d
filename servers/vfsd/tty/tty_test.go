package tty

import (
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"aramid/servers/vfsd/state"
)

func fresh() Tty {
	t := Tty{&state.Tty{}}
	Reset(t.Tty, PtyFlags)
	return t
}

func typed(t Tty, s string) (sigs []uint32) {
	for i := range len(s) {
		if sig := t.Input(s[i]); sig != 0 {
			sigs = append(sigs, sig)
		}
	}
	return sigs
}

func readAll(t Tty) (reads []string) {
	for t.Readable() {
		b := t.Peek(64)
		reads = append(reads, string(b))
		t.Take(len(b))
	}
	return reads
}

func TestCanonicalLinesAreReadOneAtATimeAndOnlyWhenComplete(t *testing.T) {
	for _, c := range []struct {
		name, in, echo string
		reads          []string
	}{
		{"carriage return ends a line", "ab\rc", "ab\r\nc", []string{"ab\n"}},
		{"two lines are two reads", "a\rb\r", "a\r\nb\r\n", []string{"a\n", "b\n"}},
		{"erase", "abx\x7fc\r", "abx\b \bc\r\n", []string{"abc\n"}},
		{"erase of a control character takes two columns", "\x01\x7f\r", "^A\b \b\b \b\r\n", []string{"\n"}},
		{"word erase", "one two\x17\r", "one two\b \b\b \b\b \b\r\n", []string{"one \n"}},
		{"kill", "ab\x15\r", "ab\b \b\b \b\r\n", []string{"\n"}},
		{"end of file on an empty line reads 0 bytes", "\x04", "", []string{""}},
		{"end of file behind text gives the text", "ab\x04", "ab", []string{"ab"}},
		{"literal next", "\x16\x03\r", "^\b^C\r\n", []string{"\x03\n"}},
	} {
		tt := fresh()
		typed(tt, c.in)
		if got := string(tt.Out); got != c.echo {
			t.Errorf("%s: echo %q, want %q", c.name, got, c.echo)
		}
		got := readAll(tt)
		if len(got) != len(c.reads) {
			t.Errorf("%s: reads %q, want %q", c.name, got, c.reads)
			continue
		}
		for i := range got {
			if got[i] != c.reads[i] {
				t.Errorf("%s: reads %q, want %q", c.name, got, c.reads)
			}
		}
	}
}

func TestALongLineIsReadInPieces(t *testing.T) {
	tt := fresh()
	typed(tt, "abcdef\rxy\r")
	for _, want := range []string{"abcd", "ef\n", "xy\n"} {
		b := string(tt.Peek(4))
		if b != want {
			t.Fatalf("read %q, want %q", b, want)
		}
		tt.Take(len(b))
	}
	if tt.Readable() {
		t.Error("readable at the end")
	}
}

func TestInterruptCharactersSignalAndFlush(t *testing.T) {
	tt := fresh()
	sigs := typed(tt, "abc\x03\x1c\x1a")
	if len(sigs) != 3 || sigs[0] != sigInt || sigs[1] != sigQuit || sigs[2] != sigTstp {
		t.Errorf("signals %v", sigs)
	}
	typed(tt, "\r")
	if got := readAll(tt); len(got) != 1 || got[0] != "\n" {
		t.Errorf("after ^C reads %q", got)
	}
	tt.Lflag &^= unix.ISIG
	if sigs := typed(tt, "\x03"); len(sigs) != 0 {
		t.Errorf("without ISIG signals %v", sigs)
	}
}

func TestRawModeGivesBytesAtOnceAndSwitchingLosesNothing(t *testing.T) {
	tt := fresh()
	typed(tt, "ab")
	b := tt.Termios(false)
	if len(b) != 36 {
		t.Fatalf("struct termios has %d bytes", len(b))
	}
	b[12] &^= unix.ICANON
	if !tt.SetTermios(b) || !tt.Readable() || string(tt.Peek(9)) != "ab" {
		t.Errorf("after leaving canonical mode %q is readable", tt.Peek(9))
	}
	b[12] |= unix.ICANON
	tt.SetTermios(b)
	if got := readAll(tt); len(got) != 1 || got[0] != "ab" {
		t.Errorf("back in canonical mode reads %q", got)
	}
	if tt.SetTermios(b[:35]) {
		t.Error("a short struct was taken")
	}
}

// TestRawBytesComeOutAsTheyWentIn is the property of mode raw (cfmakeraw(3)).
func TestRawBytesComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tt := fresh()
		tt.Iflag, tt.Oflag, tt.Lflag = 0, 0, 0
		in := rapid.SliceOf(rapid.Byte()).Draw(r, "in")
		var got []byte
		for _, c := range in {
			tt.Input(c)
			if rapid.Bool().Draw(r, "read") {
				b := tt.Peek(rapid.IntRange(1, 5).Draw(r, "n"))
				got = append(got, b...)
				tt.Take(len(b))
			}
		}
		got = append(got, tt.Peek(len(in)+1)...)
		if string(got) != string(in) {
			r.Fatalf("typed %q, read %q", in, got)
		}
		tt.Emit(in)
		if string(tt.Out) != string(in) {
			r.Fatalf("wrote %q, line has %q", in, tt.Out)
		}
	})
}
