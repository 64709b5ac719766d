package base

import (
	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/erofs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
)

// erofsImage numbers inodes by their nid, which may be 0.
type erofsImage struct{ m *erofs.Image }

const firstIno = 1

// Root implements tree.Base.
func (i *erofsImage) Root() uint64 { return i.m.Root() + firstIno }

// Last implements tree.Base.
func (i *erofsImage) Last() uint64 { return i.m.LastNid() + firstIno }

// Inode implements tree.Base.
func (i *erofsImage) Inode(ino uint64) (*state.Inode, error) {
	n, err := i.m.Inode(ino - firstIno)
	if err != nil {
		return nil, err
	}
	s := &state.Inode{
		Ino: ino, Mode: n.Mode, Uid: n.UID, Gid: n.GID, Nlink: n.Nlink, Rdev: n.Rdev, Size: int64(n.Size),
		AtimeNs: n.MtimeNs, MtimeNs: n.MtimeNs, CtimeNs: n.MtimeNs, BtimeNs: n.MtimeNs,
	}
	switch n.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		s.Lower = true
	case unix.S_IFLNK:
		s.Target, err = i.m.Target(&n)
	case unix.S_IFDIR:
		s.Lower = true
		s.Parent, err = i.Lookup(ino, "..")
	}
	return s, err
}

// Lookup implements tree.Base.
func (i *erofsImage) Lookup(dir uint64, name string) (uint64, error) {
	n, err := i.m.Inode(dir - firstIno)
	if err != nil {
		return 0, err
	}
	nid, ok, err := i.m.Lookup(&n, name)
	if !ok {
		return 0, err
	}
	return nid + firstIno, err
}

// List implements tree.Base.
func (i *erofsImage) List(dir, after uint64, yield func(tree.Entry) bool) error {
	n, err := i.m.Inode(dir - firstIno)
	if err != nil {
		return err
	}
	return i.m.List(&n, after, func(d erofs.Dirent) bool {
		return yield(tree.Entry{Name: d.Name, Ino: d.Nid + firstIno, Cookie: d.Cursor, Type: uint32(d.Type)})
	})
}

// Extent implements Image.
func (i *erofsImage) Extent(ino, off uint64) (Extent, error) {
	n, err := i.m.Inode(ino - firstIno)
	if err != nil {
		return Extent{}, err
	}
	return i.m.Extent(&n, off)
}

// FIFOs implements Image. It looks at directories only.
func (i *erofsImage) FIFOs() (out []uint64, err error) {
	todo, seen := []uint64{i.Root()}, map[uint64]bool{i.Root(): true}
	for len(todo) > 0 && err == nil {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		err = i.List(dir, 0, func(e tree.Entry) bool {
			if (e.Type == unix.DT_DIR || e.Type == unix.DT_FIFO) && !seen[e.Ino] {
				seen[e.Ino] = true
				if e.Type == unix.DT_DIR {
					todo = append(todo, e.Ino)
				} else {
					out = append(out, e.Ino)
				}
			}
			return true
		})
	}
	return out, err
}
