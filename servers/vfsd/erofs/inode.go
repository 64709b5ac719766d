package erofs

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Data layouts.
const (
	flatPlain  = 0
	flatInline = 2
	chunkBased = 4
)

// Inode is what the image says of a file.
type Inode struct {
	Nid      uint64
	Mode     uint32 // with type bits
	UID, GID uint32
	Nlink    uint32
	Rdev     uint64
	Size     uint64
	MtimeNs  int64 // ns since 1970

	layout uint16
	data   uint32 // of flat layouts the first block, of chunks their format
	xattrs uint64 // where they begin, bytes
	tail   uint64 // what follows inode and xattrs
}

// IsDir reports whether the inode is a directory.
func (n *Inode) IsDir() bool { return n.Mode&unix.S_IFMT == unix.S_IFDIR }

// Inode reads the inode with that number.
func (m *Image) Inode(nid uint64) (n Inode, err error) {
	if nid > m.LastNid() {
		return n, damaged("inode %d is outside", nid)
	}
	off := m.meta + nid*inodeSlot
	b, err := m.at(off, compactSize)
	if err != nil {
		return n, err
	}
	le := binary.LittleEndian
	format := le.Uint16(b)
	n = Inode{Nid: nid, Mode: uint32(le.Uint16(b[4:])), layout: format >> 1 & 7, data: le.Uint32(b[16:])}
	size := uint64(compactSize)
	if format&1 == 0 {
		n.Nlink, n.Size, n.MtimeNs = uint32(le.Uint16(b[6:])), uint64(le.Uint32(b[8:])), m.built
		n.UID, n.GID = uint32(le.Uint16(b[24:])), uint32(le.Uint16(b[26:]))
	} else {
		size = extendedSize
		if b, err = m.at(off, extendedSize); err != nil {
			return n, err
		}
		n.Nlink, n.Size, n.MtimeNs = le.Uint32(b[44:]), le.Uint64(b[8:]), nanoseconds(le.Uint64(b[32:]), le.Uint32(b[40:]))
		n.UID, n.GID = le.Uint32(b[24:]), le.Uint32(b[28:])
	}
	n.xattrs = off + size
	n.tail = n.xattrs + xattrSize(le.Uint16(b[2:]))
	return n, n.check()
}

// xattrSize is the length of the area that an inode's xattr count stands for.
func xattrSize(count uint16) uint64 {
	const header, unit = 12, 4
	if count == 0 {
		return 0
	}
	return header + unit*uint64(count-1)
}

// check refuses inodes that no tool writes, and decodes what depends on the type.
func (n *Inode) check() error {
	if n.Size > 1<<62 || n.Nlink == 0 {
		return damaged("inode %d has %d bytes and %d names", n.Nid, n.Size, n.Nlink)
	}
	switch n.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK:
		if n.layout != flatPlain && n.layout != flatInline && n.layout != chunkBased {
			return damaged("inode %d has layout %d (compressed files are not read)", n.Nid, n.layout)
		}
	case unix.S_IFCHR, unix.S_IFBLK:
		n.Rdev, n.Size = unix.Mkdev(n.data>>8&0xfff, n.data&0xff|n.data>>12&0xfff00), 0
	case unix.S_IFIFO, unix.S_IFSOCK:
		n.Size = 0
	default:
		return damaged("inode %d has mode %#o", n.Nid, n.Mode)
	}
	return nil
}

// maxTarget bounds a symbolic link (PATH_MAX).
const maxTarget = 4096

// Target is a symbolic link's.
func (m *Image) Target(n *Inode) (string, error) {
	if n.Size == 0 || n.Size >= maxTarget {
		return "", damaged("link %d has %d bytes", n.Nid, n.Size)
	}
	b, err := m.piece(n, 0, n.Size)
	return string(b), err
}
