// Package cpio indexes a newc archive without reading the contents of its files: where each one starts is enough for vfsd, whose
// files are windows of the archive. It is deterministic: the same bytes give the same entries in the same order.
package cpio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	headerLen = 110
	trailer   = "TRAILER!!!"
	maxName   = 4096 + 4096 // a path and the NULs that align what follows to a page
	readAhead = 512         // a header and most names; more would copy contents that nobody looks at
	align     = 4
)

// Entry is one member. Off and Size are bytes of the archive.
type Entry struct {
	Name      string
	Mode      uint32
	UID, GID  uint32
	Nlink     uint32
	Mtime     uint32 // s since 1970
	Dev, Ino  uint64 // link identity: equal pairs with Nlink > 1 are one file
	RdevMajor uint32
	RdevMinor uint32
	Off       uint64
	Size      uint64
	Target    string // of a symbolic link
}

// ErrCompressed means that the archive is not a plain one.
var ErrCompressed = errors.New("archive is compressed: give it uncompressed")

// Index calls yield for each member. An error names the offset and what is wrong there.
func Index(r io.ReaderAt, size uint64, yield func(Entry) error) error {
	w := window{r: r, size: size}
	off := uint64(0)
	entries := 0
	for {
		next, ok, err := w.skipZeroes(off)
		if err != nil {
			return err
		}
		if !ok {
			if entries == 0 {
				return fmt.Errorf("archive of %d bytes has no members", size)
			}
			return fmt.Errorf("archive ends at byte %d without a trailer", size)
		}
		e, end, err := w.entry(next)
		if err != nil {
			return err
		}
		if e.Name == trailer {
			return nil
		}
		entries++
		if err := yield(e); err != nil {
			return fmt.Errorf("member %q: %w", e.Name, err)
		}
		off = end
	}
}

// window reads ahead so that a small header costs no call of its own.
type window struct {
	r    io.ReaderAt
	size uint64
	base uint64
	buf  []byte
	mem  []byte
}

func (w *window) bytes(off, n uint64) ([]byte, error) {
	if off > w.size || n > w.size-off {
		return nil, fmt.Errorf("archive ends at byte %d inside a member that needs bytes %d to %d", w.size, off, off+n)
	}
	if off < w.base || off+n > w.base+uint64(len(w.buf)) {
		want := max(n, min(readAhead, w.size-off))
		if uint64(cap(w.mem)) < want {
			w.mem = make([]byte, want)
		}
		b := w.mem[:want]
		if _, err := w.r.ReadAt(b, int64(off)); err != nil && err != io.EOF {
			return nil, fmt.Errorf("archive, byte %d: %w", off, err)
		}
		w.base, w.buf = off, b
	}
	return w.buf[off-w.base:][:n], nil
}

// skipZeroes finds the next header: archives may be padded between members.
func (w *window) skipZeroes(off uint64) (uint64, bool, error) {
	for off < w.size {
		b, err := w.bytes(off, 1)
		if err != nil {
			return 0, false, err
		}
		if b[0] != 0 {
			return off, true, nil
		}
		off += 1
	}
	return 0, false, nil
}

func (w *window) entry(off uint64) (e Entry, end uint64, err error) {
	h, err := w.bytes(off, headerLen)
	if err != nil {
		return e, 0, err
	}
	if string(h[:6]) != "070701" && string(h[:6]) != "070702" {
		if off == 0 && compressed(h) {
			return e, 0, ErrCompressed
		}
		return e, 0, fmt.Errorf("archive, byte %d: no cpio header (newc) but %q", off, h[:6])
	}
	var f [13]uint32
	for i := range f {
		v, err := strconv.ParseUint(string(h[6+8*i:][:8]), 16, 32)
		if err != nil {
			return e, 0, fmt.Errorf("archive, byte %d: damaged cpio header", off)
		}
		f[i] = uint32(v)
	}
	e.Ino, e.Mode, e.UID, e.GID, e.Nlink, e.Mtime = uint64(f[0]), f[1], f[2], f[3], f[4], f[5]
	e.Size, e.Dev = uint64(f[6]), uint64(f[7])<<32|uint64(f[8])
	e.RdevMajor, e.RdevMinor = f[9], f[10]
	nameLen := uint64(f[11])
	if nameLen == 0 || nameLen > maxName {
		return e, 0, fmt.Errorf("archive, byte %d: a name of %d bytes", off, nameLen)
	}
	// A name that is padded to align what follows has its end early.
	name, err := w.bytes(off+headerLen, min(nameLen, readAhead-headerLen))
	if err == nil && nameLen > uint64(len(name)) && bytes.IndexByte(name, 0) < 0 {
		name, err = w.bytes(off+headerLen, nameLen)
	}
	if err != nil {
		return e, 0, err
	}
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	e.Name = string(name)
	e.Off = roundUp(off + headerLen + nameLen)
	if e.Off > w.size || e.Size > w.size-e.Off {
		if e.Name == trailer {
			return e, w.size, nil
		}
		return e, 0, fmt.Errorf("archive ends at byte %d inside %q, which needs bytes %d to %d", w.size, e.Name, e.Off, e.Off+e.Size)
	}
	if e.Mode&0o170000 == 0o120000 {
		t, err := w.bytes(e.Off, e.Size)
		if err != nil {
			return e, 0, err
		}
		e.Target = string(t)
	}
	return e, roundUp(e.Off + e.Size), nil
}

func roundUp(n uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// compressed knows the magic numbers of gzip, xz and zstd.
func compressed(h []byte) bool {
	return bytes.HasPrefix(h, []byte{0x1f, 0x8b}) || bytes.HasPrefix(h, []byte("\xfd7zXZ")) || bytes.HasPrefix(h, []byte{0x28, 0xb5, 0x2f, 0xfd})
}
