package control

import (
	"bytes"
	"errors"
	"testing"
)

// disk is a drop in memory.
type disk []byte

func (d disk) WriteAt(b []byte, off int64) (int, error) { return copy(d[off:], b), nil }

func (d disk) read(sector int, b []byte) error {
	copy(b, d[sector*DropSector:])
	return nil
}

func TestADropGivesWhatWasPutForThatRequestOnly(t *testing.T) {
	d := make(disk, 1<<20)
	for i, n := range []int{0, 1, DropSector, 100_001} {
		data := bytes.Repeat([]byte{byte(i + 1)}, n)
		if err := PutDrop(d, uint32(i), data); err != nil {
			t.Fatal(err)
		}
		if got, err := GetDrop(d.read, uint32(i)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
		if _, err := GetDrop(d.read, uint32(i+1)); !errors.Is(err, ErrDrop) {
			t.Errorf("of another request: %v", err)
		}
	}
	d[DropSector+77] ^= 1
	if _, err := GetDrop(d.read, 3); !errors.Is(err, ErrDrop) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := GetDrop(make(disk, 1<<20).read, 0); !errors.Is(err, ErrDrop) {
		t.Errorf("empty: %v", err)
	}
}
