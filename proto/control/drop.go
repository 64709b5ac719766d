package control

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// The drop is a disk that carries the binary of a swap from host to guest, where a serial line would take a minute: the host writes it
// into the disk's file and then sends the request with no data. The first sector holds
//
//	magic[8] seq u32 crc32c u32 len u64
//
// seq is that of the request's frame, so that stale content is never taken; the data follows on the next sector.
const (
	DropSector = 512
	DropSize   = 64 << 20 // bytes of the disk
	DropSerial = "aramid-drop"
	dropMagic  = "ARdrop1\n"
	dropHeader = 24
)

// ErrDrop is a drop that does not hold what the request speaks of.
var ErrDrop = errors.New("the drop disk does not hold the request's data")

// PutDrop writes data for the request with that sequence number.
func PutDrop(w io.WriterAt, seq uint32, data []byte) error {
	if len(data) > DropSize-DropSector {
		return fmt.Errorf("%d bytes: a drop holds at most %d", len(data), DropSize-DropSector)
	}
	h := []byte(dropMagic)
	h = le.AppendUint32(h, seq)
	h = le.AppendUint32(h, crc32.Checksum(data, table))
	h = le.AppendUint64(h, uint64(len(data)))
	if _, err := w.WriteAt(data, DropSector); err != nil {
		return err
	}
	_, err := w.WriteAt(h, 0)
	return err
}

// GetDrop reads the data of the request with that sequence number. read fills b, a whole number of sectors, from the sector on.
func GetDrop(read func(sector int, b []byte) error, seq uint32) ([]byte, error) {
	h := make([]byte, DropSector)
	if err := read(0, h); err != nil {
		return nil, err
	}
	n := le.Uint64(h[16:])
	if !bytes.HasPrefix(h, []byte(dropMagic)) || le.Uint32(h[8:]) != seq || n > DropSize-DropSector {
		return nil, ErrDrop
	}
	b := make([]byte, (n+DropSector-1)/DropSector*DropSector)
	if err := read(1, b); err != nil {
		return nil, err
	}
	if crc32.Checksum(b[:n], table) != le.Uint32(h[12:]) {
		return nil, ErrDrop
	}
	return b[:n], nil
}
