package tree

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/cpio"
	"aramid/servers/vfsd/state"
)

// Populate fills an empty file system from a newc archive and seals it. Contents stay in the archive: Window says where. now
// is for directories that the archive implies but does not name.
func (t *Tree) Populate(f *state.FileSystem, r io.ReaderAt, size uint64, now int64) error {
	type link struct{ dev, ino uint64 }
	links := map[link]*Inode{}
	err := cpio.Index(r, size, func(c cpio.Entry) error {
		parts, err := split(c.Name)
		if err != nil {
			return err
		}
		when := int64(c.Mtime) * 1e9
		if len(parts) == 0 {
			n := t.inodes[f.Root]
			n.Mode, n.Uid, n.Gid = unix.S_IFDIR|c.Mode&0o7777, c.UID, c.GID
			n.AtimeNs, n.MtimeNs, n.CtimeNs, n.BtimeNs = when, when, when, when
			return nil
		}
		dir, err := t.mkdirs(f, parts[:len(parts)-1], now)
		if err != nil {
			return err
		}
		name := parts[len(parts)-1]
		key := link{c.Dev, c.Ino}
		first := links[key]
		hard := c.Nlink > 1 && c.Mode&unix.S_IFMT != unix.S_IFDIR
		if old := dir.names[name]; old != nil {
			o := t.inodes[old.Ino]
			if o.IsDir() && c.Mode&unix.S_IFMT == unix.S_IFDIR {
				o.Mode, o.Uid, o.Gid, o.MtimeNs = unix.S_IFDIR|c.Mode&0o7777, c.UID, c.GID, when
				return nil
			}
			return fmt.Errorf("appears twice")
		}
		if hard && first != nil {
			first.Nlink++
			if c.Size > 0 {
				first.Size, first.Window = int64(c.Size), c.Off+1
			}
			t.link(dir, name, first)
			return nil
		}
		n := t.NewInode(f.Id, c.Mode&(unix.S_IFMT|0o7777), c.UID, c.GID, when)
		if n.Type() == 0 {
			return fmt.Errorf("mode %#o has no file type", c.Mode)
		}
		switch n.Type() {
		case unix.S_IFREG:
			n.Size = int64(c.Size)
			if c.Size > 0 {
				n.Window = c.Off + 1
			}
		case unix.S_IFLNK:
			n.Target, n.Size = c.Target, int64(len(c.Target))
		case unix.S_IFCHR, unix.S_IFBLK:
			n.Rdev = unix.Mkdev(c.RdevMajor, c.RdevMinor)
		}
		t.link(dir, name, n)
		if hard {
			links[key] = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.SealBase()
	return nil
}

// split cuts an archive's name into components.
func split(name string) ([]string, error) {
	var parts []string
	for p := range strings.SplitSeq(name, "/") {
		switch {
		case p == "" || p == ".":
		case p == "..":
			return nil, fmt.Errorf("name leaves the root")
		case len(p) > NameMax:
			return nil, fmt.Errorf("name of %d bytes", len(p))
		default:
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// mkdirs walks to a directory and makes what is missing.
func (t *Tree) mkdirs(f *state.FileSystem, parts []string, now int64) (*Inode, error) {
	dir := t.inodes[f.Root]
	for _, p := range parts {
		e := dir.names[p]
		if e == nil {
			n := t.NewInode(f.Id, unix.S_IFDIR|0o755, 0, 0, now)
			t.link(dir, p, n)
			dir = n
			continue
		}
		dir = t.inodes[e.Ino]
		if !dir.IsDir() {
			return nil, fmt.Errorf("%q is no directory", p)
		}
	}
	return dir, nil
}

// Add makes an inode at name in a directory, for file systems that are filled at mount.
func (t *Tree) Add(dir *Inode, name string, mode uint32, rdev uint64, target string, now int64) *Inode {
	n := t.NewInode(dir.Fs, mode, 0, 0, now)
	n.Rdev, n.Target, n.Size = rdev, target, int64(len(target))
	t.link(dir, name, n)
	return n
}
