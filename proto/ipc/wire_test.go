package ipc

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// numbersOfEveryLength draws numbers whose varints are one to ten bytes alike.
func numbersOfEveryLength(t *rapid.T) uint64 {
	return rapid.Uint64().Draw(t, "number") >> rapid.IntRange(0, 63).Draw(t, "shift")
}

func TestVarintsAreThoseOfProtobuf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := numbersOfEveryLength(t)
		want := protowire.AppendVarint(nil, v)
		b := bytes.Repeat([]byte{0xee}, rapid.IntRange(len(want)+1, 24).Draw(t, "room"))
		n := PutVarint(b, 1, v)
		if !bytes.Equal(b[1:n], want) || b[0] != 0xee {
			t.Fatalf("%#x is %x, want %x", v, b[1:n], want)
		}
		// With and without bytes behind it.
		for _, s := range [][]byte{b[:n], b[:n:n], b} {
			if got, next := Varint(s, 1); got != v || next != n {
				t.Fatalf("%x reads as %#x up to %d, want %#x up to %d", b[1:n], got, next, v, n)
			}
		}
	})
}

func TestAnyBytesReadAsTheNumberThatProtobufSeesOrAsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 14).Draw(t, "bytes")
		for i := range b {
			if rapid.Bool().Draw(t, "more") {
				b[i] |= 0x80
			}
		}
		want, n := protowire.ConsumeVarint(b)
		got, next := Varint(b, 0)
		if n < 0 && next <= len(b) || n >= 0 && (got != want || next != n) {
			t.Fatalf("%x: %#x up to %d, want %#x up to %d", b, got, next, want, n)
		}
	})
}

func TestFieldsCutShortAreSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
		b := make([]byte, 400)
		n := PutBytes(b, 0, p)
		if m := PutString(make([]byte, 400), 0, string(p)); m != n {
			t.Fatalf("a string takes %d bytes, a slice %d", m, n)
		}
		if got, next := FieldBytes(b[:n], 0); next != n || !bytes.Equal(got, p) {
			t.Fatalf("%x up to %d, want %x up to %d", got, next, p, n)
		}
		for cut := 0; cut < n; cut++ {
			if _, next := FieldBytes(b[:cut], 0); next <= cut {
				t.Fatalf("cut at %d of %d it went unseen", cut, n)
			}
		}
	})
}

func TestFixedNumbersAndSignsGoRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64().Draw(t, "number")
		b := make([]byte, 8)
		PutFixed64(b, 0, uint64(v))
		if got, next := Fixed64(b, 0); got != uint64(v) || next != 8 {
			t.Fatalf("%#x up to %d", got, next)
		}
		if _, next := Fixed64(b[:7], 0); next <= 7 {
			t.Fatal("seven bytes were eight")
		}
		PutFixed32(b, 0, uint32(v))
		if got, next := Fixed32(b, 0); got != uint32(v) || next != 4 {
			t.Fatalf("%#x up to %d", got, next)
		}
		if Unzigzag(Zigzag(v)) != v || Zigzag(v) != protowire.EncodeZigZag(v) {
			t.Fatalf("%d goes wrong", v)
		}
	})
}
