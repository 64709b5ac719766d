package erofs

import "encoding/binary"

// Extent says where a piece of a file lies in the image.
type Extent struct {
	Off  uint64 // in the file
	At   uint64 // in the image; of a hole nothing
	Len  uint64
	Hole bool
}

const (
	chunkIndexes  = 0x20 // a chunk's entry is 8 bytes, not 4
	chunkBitsMask = 0x1f
	nullBlock     = 1<<32 - 1
)

// Extent gives the piece that holds byte off of the file, as far as it is in one place; off must be below the file's size.
func (m *Image) Extent(n *Inode, off uint64) (Extent, error) {
	var e Extent
	var err error
	full := n.Size &^ (1<<m.blockBits - 1)
	start := uint64(n.data) << m.blockBits
	switch {
	case n.layout == chunkBased:
		e, err = m.chunks(n, off)
	case n.layout == flatInline && off >= full:
		e = Extent{Off: full, At: n.tail, Len: n.Size - full}
		if within := e.At & (1<<m.blockBits - 1); within+e.Len > 1<<m.blockBits {
			return e, damaged("inode %d: its tail crosses a block", n.Nid)
		}
	case n.layout == flatInline:
		e = Extent{At: start, Len: full}
	default:
		e = Extent{At: start, Len: n.Size}
	}
	if err == nil && !e.Hole {
		_, err = m.at(e.At, e.Len)
	}
	return e, err
}

// chunks finds the run of chunks around off that follow each other in the image.
func (m *Image) chunks(n *Inode, off uint64) (Extent, error) {
	format := n.data & 0xffff
	bits := m.blockBits + uint(format&chunkBitsMask)
	if bits > 62 {
		return Extent{}, damaged("inode %d: chunks of 2^%d bytes", n.Nid, bits)
	}
	i := off >> bits
	first, err := m.chunk(n, format, i)
	if err != nil {
		return Extent{}, err
	}
	size := uint64(1) << bits
	e := Extent{Off: i << bits, At: first << m.blockBits, Hole: first == nullBlock, Len: size}
	for ; e.Off+e.Len < n.Size; e.Len += size {
		i++
		next, err := m.chunk(n, format, i)
		if err != nil {
			return e, err
		}
		if e.Hole != (next == nullBlock) || !e.Hole && next<<m.blockBits != e.At+e.Len {
			break
		}
	}
	e.Len = min(e.Len, n.Size-e.Off)
	return e, nil
}

// chunk is the block at which chunk i begins, or nullBlock.
func (m *Image) chunk(n *Inode, format uint32, i uint64) (uint64, error) {
	unit, field := uint64(4), uint64(0)
	if format&chunkIndexes != 0 {
		unit, field = 8, 4
	}
	b, err := m.at((n.tail+unit-1)&^(unit-1)+i*unit, unit)
	if err != nil {
		return 0, err
	}
	if format&chunkIndexes != 0 && binary.LittleEndian.Uint16(b[2:]) != 0 {
		return 0, damaged("inode %d: a chunk on another device", n.Nid)
	}
	return uint64(binary.LittleEndian.Uint32(b[field:])), nil
}

// piece is len bytes of a file that must lie in one place.
func (m *Image) piece(n *Inode, off, length uint64) ([]byte, error) {
	e, err := m.Extent(n, off)
	if err != nil {
		return nil, err
	}
	if e.Hole || off-e.Off+length > e.Len {
		return nil, damaged("inode %d: bytes %d to %d are not in one place", n.Nid, off, off+length)
	}
	return m.at(e.At+off-e.Off, length)
}
