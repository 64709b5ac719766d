package demo

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// kinds draws a message in which any field may be zero.
func kinds(t *rapid.T) *Kinds {
	maybe := func(name string) bool { return rapid.Bool().Draw(t, name) }
	number := func(name string) uint64 {
		if !maybe(name) {
			return 0
		}
		return rapid.Uint64().Draw(t, name) >> rapid.IntRange(0, 63).Draw(t, name)
	}
	text := func(name string) string {
		if !maybe(name) {
			return ""
		}
		return rapid.StringN(0, 200, 300).Draw(t, name)
	}
	return &Kinds{
		A: maybe("a"), B: int32(number("b")), C: int64(number("c")), D: uint32(number("d")), E: number("e"), F: int32(number("f")),
		G: int64(number("g")), H: uint32(number("h")), I: number("i"), J: int32(number("j")), K: int64(number("k")),
		L: float32(number("l")), M: float64(number("m")), N: text("n"), O: []byte(text("o")), P: Kinds_Colour(int32(number("p"))),
		Q: text("q"), R: number("r"),
	}
}

func TestFlatMessagesAreEncodedAsProtobufDoes(t *testing.T) {
	got := new(Kinds)
	rapid.Check(t, func(t *rapid.T) {
		m := kinds(t)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Skip("invalid text")
		}
		b := make([]byte, 4096)
		n := m.Encode(b)
		if n < 0 || !bytes.Equal(b[:n], want) {
			t.Fatalf("encoded\n%x, want\n%x", b[:max(n, 0)], want)
		}
		// Exactly enough room, and one byte less.
		if n := m.Encode(b[:len(want)]); n != len(want) {
			t.Fatalf("%d bytes do not fit into %d", len(want), len(want))
		}
		if len(want) > 0 && m.Encode(b[:len(want)-1]) >= 0 {
			t.Fatal("it fits into too little")
		}
		// The same message is read into again and again.
		for _, s := range [][]byte{want, b[:n]} {
			if !got.Decode(s) || !proto.Equal(got, m) {
				t.Fatalf("%x decoded as\n%v, want\n%v", s, got, m)
			}
		}
	})
}

func TestAnyBytesAreDecodedAsProtobufDoes(t *testing.T) {
	got := new(Kinds)
	rapid.Check(t, func(t *rapid.T) {
		b, err := proto.Marshal(kinds(t))
		if err != nil {
			t.Skip("invalid text")
		}
		switch rapid.IntRange(0, 4).Draw(t, "damage") {
		case 0:
			b = b[:rapid.IntRange(0, len(b)).Draw(t, "cut")]
		case 1:
			if len(b) > 0 {
				b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		case 2:
			b = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		case 3:
			// Another order, and fields twice.
			more, err := proto.Marshal(kinds(t))
			if err == nil {
				b = append(b, more...)
			}
		}
		want := new(Kinds)
		ok := want.UnmarshalVT(b) == nil
		if got.Decode(b) != ok {
			t.Fatalf("%x: decoded %v, want %v", b, !ok, ok)
		}
		x, _ := want.MarshalVT()
		y, _ := got.MarshalVT()
		if ok && !bytes.Equal(x, y) {
			t.Fatalf("%x decoded as\n%v, want\n%v", b, got, want)
		}
	})
}
