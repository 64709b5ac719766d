package ktrace

import (
	"math/rand/v2"
	"testing"

	"aramid/ukernel/arch/fake"
)

func reset(cpus int) {
	fake.Reset(1<<20, cpus)
	rings, seq = [MaxCPUs]ring{}, 0
}

func TestRecordsOfAllCPUsComeOutInTheOrderTheyWereWritten(t *testing.T) {
	reset(4)
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 3000
	for i := range uint64(n) {
		fake.M.CPU, fake.M.NS = rng.IntN(4), i
		Put(EvCall, i, i*2, i*3, i*5)
	}
	var k Cursor
	k.Seek(0)
	var last uint64
	count := 0
	for p := k.Next(); p != nil; p = k.Next() {
		if p.Seq <= last {
			t.Fatalf("record %d after %d", p.Seq, last)
		}
		i := p.Seq - 1
		if p.Thread != i || p.A != i*2 || p.B != i*3 || p.C != i*5 || p.NS != i {
			t.Fatalf("record %+v is torn", *p)
		}
		last = p.Seq
		count++
	}
	if last != n || count < RingLen || count > 4*RingLen {
		t.Fatalf("last %d, %d records", last, count)
	}
}

func TestSeekSkipsWhatTheReaderHasSeen(t *testing.T) {
	reset(2)
	for i := range 100 {
		fake.M.CPU = i % 2
		Put(EvFault, 0, uint64(i), 0, 0)
	}
	for from := uint64(0); from <= 101; from++ {
		var k Cursor
		k.Seek(from)
		p := k.Next()
		switch want := max(from, 1); {
		case want > 100 && p != nil:
			t.Fatalf("from %d: got record %d, want none", from, p.Seq)
		case want <= 100 && (p == nil || p.Seq != want):
			t.Fatalf("from %d: got %v", from, p)
		}
	}
}

func TestAnEventThatIsMaskedOffLeavesNoRecord(t *testing.T) {
	reset(1)
	Rare(EvCall, 1, 2, 3, 4)
	Rare(EvGap, 1, 2, 3, 4)
	if seq != 1 {
		t.Fatalf("%d records, want the gap alone", seq)
	}
}

func TestLogWritesNumbersAndHidesControlCharacters(t *testing.T) {
	reset(1)
	Dec(0)
	Text(" ")
	Dec(18446744073709551615)
	Text(" ")
	Hex(0)
	Text(" ")
	Hex(0xffffffff80001000)
	Text(" ")
	Bytes([]byte("a\tb\n\x1b[m"))
	Newline()
	const want = "0 18446744073709551615 0x0 0xffffffff80001000 a\tb??[m\n"
	if got := string(fake.M.Log); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}
