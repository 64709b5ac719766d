package erofs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Offsets and sizes of the format.
const (
	superOff     = 1024
	superSize    = 128
	magic        = 0xe0f5e1e2
	inodeSlot    = 32 // inodes are numbered in units of this
	compactSize  = 32
	extendedSize = 64
	minBlockBits = 9
	maxBlockBits = 16
)

// Incompatible features (erofs_fs.h) that this reader understands.
const (
	featureChunks        = 0x4
	featureXattrPrefixes = 0x40
)

// ErrDamaged is wrapped by every error about what an image holds.
var ErrDamaged = errors.New("damaged EROFS image")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// Image is an EROFS image in memory.
type Image struct {
	b         []byte
	meta      uint64 // where inode 0 is or would be, bytes
	blockBits uint
	dirBits   uint // of a directory block's size
	root      uint64
	built     int64 // ns since 1970: times of compact inodes
}

// Is reports whether b begins as an EROFS image does.
func Is(b []byte) bool {
	return len(b) >= superOff+superSize && binary.LittleEndian.Uint32(b[superOff:]) == magic
}

// Open checks the superblock. b must not change while the Image is used.
func Open(b []byte) (*Image, error) {
	if !Is(b) {
		return nil, damaged("no superblock")
	}
	le, s := binary.LittleEndian, b[superOff:superOff+superSize]
	m := &Image{b: b, blockBits: uint(s[12]), root: uint64(le.Uint16(s[14:]))}
	if unknown := le.Uint32(s[80:]) &^ (featureChunks | featureXattrPrefixes); unknown != 0 {
		return nil, damaged("incompatible features %#x (compressed images and other devices are not read)", unknown)
	}
	if m.blockBits < minBlockBits || m.blockBits > maxBlockBits {
		return nil, damaged("blocks of 2^%d bytes", m.blockBits)
	}
	m.dirBits = m.blockBits + uint(s[90])
	if m.dirBits > maxBlockBits {
		return nil, damaged("directory blocks of 2^%d bytes", m.dirBits)
	}
	m.built = nanoseconds(le.Uint64(s[24:]), le.Uint32(s[32:]))
	m.meta = uint64(le.Uint32(s[40:])) << m.blockBits
	blocks := uint64(le.Uint32(s[36:])) << m.blockBits
	if blocks > uint64(len(b)) {
		return nil, damaged("%d bytes of %d", len(b), blocks)
	}
	root, err := m.Inode(m.root)
	if err != nil {
		return nil, err
	}
	if !root.IsDir() {
		return nil, damaged("the root is no directory")
	}
	return m, nil
}

// Root is the root directory's nid.
func (m *Image) Root() uint64 { return m.root }

// LastNid is above every nid that can be read.
func (m *Image) LastNid() uint64 { return uint64(len(m.b)) / inodeSlot }

// at is n bytes of the image.
func (m *Image) at(off, n uint64) ([]byte, error) {
	if off > uint64(len(m.b)) || n > uint64(len(m.b))-off {
		return nil, damaged("bytes %d to %d of %d", off, off+n, len(m.b))
	}
	return m.b[off : off+n : off+n], nil
}

// nanoseconds joins a time; one that is out of range is 0.
func nanoseconds(sec uint64, nsec uint32) int64 {
	const second = 1_000_000_000
	if sec >= 1<<63/second || nsec >= second {
		return 0
	}
	return int64(sec)*second + int64(nsec)
}
