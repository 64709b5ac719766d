package calls

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// strungKernel has one string at each address.
type strungKernel struct {
	uk.Kernel
	strings []string
}

func (k *strungKernel) AlienString(va uint64, b []byte) (int, uabi.Error) {
	s := k.strings[va]
	if copy(b, s+"\x00") <= len(s) {
		return len(b), uabi.ErrSize
	}
	return len(s), uabi.OK
}

func TestThePathsOfOneTrapDoNotOverwriteEachOther(t *testing.T) {
	k := &strungKernel{}
	for _, n := range []int{1, 20, pathMax - 1, 0, pathMax / 2, pathMax - 1, 3, 1} {
		k.strings = append(k.strings, strings.Repeat(string(rune('a'+len(k.strings))), n))
	}
	trap := &Trap{}
	trap.K = k
	var got []string
	for va := range k.strings {
		s, e := trap.path(uint64(va), true)
		if e != 0 {
			t.Fatalf("path %d: %d", va, e)
		}
		got = append(got, s)
	}
	for i, s := range got {
		if s != k.strings[i] {
			t.Errorf("path %d has become %.20q… of %d bytes", i, s, len(s))
		}
	}
}

func TestAPathIsTooLongWhereverItIsPut(t *testing.T) {
	k := &strungKernel{strings: []string{strings.Repeat("a", pathMax-1), strings.Repeat("b", pathMax)}}
	trap := &Trap{}
	trap.K = k
	for range 4 {
		if _, e := trap.path(1, false); e != errno(unix.ENAMETOOLONG) {
			t.Errorf("PATH_MAX bytes: %d", e)
		}
		if s, e := trap.path(0, false); e != 0 || s != k.strings[0] {
			t.Errorf("a byte less: %d", e)
		}
	}
}
