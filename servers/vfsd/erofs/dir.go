package erofs

import (
	"bytes"
	"encoding/binary"
)

const (
	direntSize = 12
	maxName    = 255
	indexBits  = 13 // of a cursor: a directory block of 64 KiB has fewer entries
)

// Dirent is a name in a directory.
type Dirent struct {
	Name   string // aliases the image
	Nid    uint64
	Type   uint8  // DT_…
	Cursor uint64 // List goes on behind it; cursors only grow, and begin at 1
}

// types turn an entry's file type into DT_…
var types = [8]uint8{0, 8, 4, 2, 6, 1, 12, 10}

// block is a directory block: entries, then names.
type block struct {
	b []byte
	n int
}

// block reads directory block i.
func (m *Image) block(dir *Inode, i uint64) (block, error) {
	off := i << m.dirBits
	b, err := m.piece(dir, off, min(1<<m.dirBits, dir.Size-off))
	if err != nil {
		return block{}, err
	}
	if len(b) < direntSize {
		return block{}, damaged("directory %d: a block of %d bytes", dir.Nid, len(b))
	}
	first := int(binary.LittleEndian.Uint16(b[8:]))
	if first < direntSize || first%direntSize != 0 || first > len(b) {
		return block{}, damaged("directory %d: names at byte %d of a block", dir.Nid, first)
	}
	return block{b, first / direntSize}, nil
}

// name is entry i's.
func (b block) name(i int) (string, bool) {
	from, to := int(binary.LittleEndian.Uint16(b.b[i*direntSize+8:])), len(b.b)
	if i+1 < b.n {
		to = int(binary.LittleEndian.Uint16(b.b[(i+1)*direntSize+8:]))
	}
	if from >= to || to > len(b.b) || from < b.n*direntSize {
		return "", false
	}
	name := b.b[from:to]
	if i+1 == b.n {
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
	}
	if len(name) == 0 || len(name) > maxName {
		return "", false
	}
	return text(name), true
}

func (b block) nid(i int) uint64 { return binary.LittleEndian.Uint64(b.b[i*direntSize:]) }

func (b block) typ(i int) uint8 { return types[b.b[i*direntSize+10]&7] }

func (m *Image) blocks(dir *Inode) uint64 { return (dir.Size + 1<<m.dirBits - 1) >> m.dirBits }

// Lookup finds a name; ok is false when there is none. Names are sorted within and across blocks.
func (m *Image) Lookup(dir *Inode, name string) (nid uint64, ok bool, err error) {
	low, high := uint64(0), m.blocks(dir) // the last block that begins at or before name
	var in block
	for low < high {
		mid := (low + high) / 2
		b, err := m.block(dir, mid)
		if err != nil {
			return 0, false, err
		}
		first, ok := b.name(0)
		if !ok {
			return 0, false, damaged("directory %d: a bad name", dir.Nid)
		}
		if first > name {
			high = mid
		} else {
			low, in = mid+1, b
		}
	}
	from, to := 0, in.n
	for from < to {
		mid := (from + to) / 2
		s, ok := in.name(mid)
		switch {
		case !ok:
			return 0, false, damaged("directory %d: a bad name", dir.Nid)
		case s == name:
			return in.nid(mid), true, nil
		case s < name:
			from = mid + 1
		default:
			to = mid
		}
	}
	return 0, false, nil
}

// List gives the entries behind a cursor, 0 for all, in order, without "." and "..", until yield returns false.
func (m *Image) List(dir *Inode, after uint64, yield func(Dirent) bool) error {
	for i := after >> indexBits; i < m.blocks(dir); i++ {
		b, err := m.block(dir, i)
		if err != nil {
			return err
		}
		for j := range b.n {
			cursor := i<<indexBits | uint64(j+1)
			if cursor <= after {
				continue
			}
			name, ok := b.name(j)
			if !ok {
				return damaged("directory %d: a bad name", dir.Nid)
			}
			if name != "." && name != ".." && !yield(Dirent{name, b.nid(j), b.typ(j), cursor}) {
				return nil
			}
		}
	}
	return nil
}
