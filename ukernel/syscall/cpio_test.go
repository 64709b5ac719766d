package syscall

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// cpioEntry appends one newc entry whose data starts at a multiple of align.
func cpioEntry(out []byte, name string, mode int, data []byte, align int) []byte {
	n := len(name) + 1
	for (len(out)+cpioHeader+n)%align != 0 {
		n++
	}
	out = fmt.Appendf(out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, n, 0)
	out = append(out, name...)
	out = append(out, make([]byte, n-len(name))...)
	out = append(out, data...)
	return append(out, make([]byte, (4-len(out)%4)%4)...)
}

func cpioFile(names ...string) []byte {
	var out []byte
	for _, name := range names {
		out = cpioEntry(out, name, 0o100755, []byte("data of "+name), 4096)
	}
	return cpioEntry(out, cpioTrailer, 0, nil, 4)
}

func TestAFileOfTheArchiveIsFoundOnAPageBoundary(t *testing.T) {
	a := cpioFile("mmd", "rootd", "vfsd")
	off, n, ok, _ := cpioFind(a, "rootd")
	if !ok || off%4096 != 0 || string(a[off:off+n]) != "data of rootd" {
		t.Fatalf("off %d len %d ok %v", off, n, ok)
	}
	if _, _, ok, damaged := cpioFind(a, "netd"); ok || damaged {
		t.Fatal("a missing file of a sound archive")
	}
}

func TestADirectoryIsNoFileToBoot(t *testing.T) {
	a := cpioEntry(nil, "rootd", 0o040755, nil, 4)
	a = cpioEntry(a, cpioTrailer, 0, nil, 4)
	if _, _, ok, damaged := cpioFind(a, "rootd"); ok || damaged {
		t.Fatal("found a directory")
	}
}

func TestADamagedArchiveIsReportedAndNeverReadBeyondItsEnd(t *testing.T) {
	sound := cpioFile("mmd", "rootd")
	for n := range len(sound) {
		if _, _, ok, damaged := cpioFind(sound[:n:n], "netd"); n < len(sound)-4 && (ok || !damaged) {
			t.Fatalf("cut at %d of %d: ok %v damaged %v", n, len(sound), ok, damaged)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		b := bytes.Clone(sound)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(cpioHeader*2)] = "0123456789abcdefF\x00x"[rng.IntN(19)]
		}
		if off, n, ok, _ := cpioFind(b, "rootd"); ok && (off > uint64(len(b)) || n > uint64(len(b))-off) {
			t.Fatalf("file [%d,%d) lies outside the archive", off, off+n)
		}
	}
}
