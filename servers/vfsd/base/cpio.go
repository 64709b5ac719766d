package base

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"aramid/servers/vfsd/cpio"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
)

// cpioImage is an archive's index. Inodes are numbered in the order in which the archive names them.
type cpioImage struct {
	nodes []*node // of inode i + 1
	now   int64
}

// node is a file of the archive: its contents begin at byte at.
type node struct {
	*state.Inode
	at      uint64
	entries []tree.Entry
	names   map[string]uint64
}

func (n *node) isDir() bool { return n.Mode&unix.S_IFMT == unix.S_IFDIR }

func openCpio(b []byte, now int64) (Image, error) {
	i := &cpioImage{now: now}
	i.add(unix.S_IFDIR|0o755, 0, 0, now)
	i.nodes[0].Parent = 1
	links := map[[2]uint64]*node{}
	err := cpio.Index(bytes.NewReader(b), uint64(len(b)), func(c cpio.Entry) error { return i.member(c, links) })
	return i, err
}

func (i *cpioImage) add(mode, uid, gid uint32, when int64) *node {
	n := &node{Inode: &state.Inode{
		Ino: uint64(len(i.nodes) + 1), Mode: mode, Uid: uid, Gid: gid, Nlink: 1, AtimeNs: when, MtimeNs: when, CtimeNs: when, BtimeNs: when,
	}}
	if n.isDir() {
		n.Nlink, n.Lower, n.names = 2, true, map[string]uint64{}
	}
	i.nodes = append(i.nodes, n)
	return n
}

func (i *cpioImage) node(ino uint64) *node { return i.nodes[ino-1] }

// entrySize is what Linux's tmpfs counts for a directory entry.
const entrySize = 20

// link names n in dir.
func (i *cpioImage) link(dir *node, name string, n *node) {
	dir.entries = append(dir.entries, tree.Entry{Name: name, Ino: n.Ino, Cookie: uint64(len(dir.entries) + 1), Type: n.Mode >> 12})
	dir.names[name] = n.Ino
	dir.Size += entrySize
	if n.isDir() {
		n.Parent = dir.Ino
		dir.Nlink++
	}
}

// member takes one member of the archive.
func (i *cpioImage) member(c cpio.Entry, links map[[2]uint64]*node) error {
	parts, err := split(c.Name)
	if err != nil {
		return err
	}
	when := int64(c.Mtime) * 1e9
	if len(parts) == 0 {
		n := i.nodes[0]
		n.Mode, n.Uid, n.Gid = unix.S_IFDIR|c.Mode&0o7777, c.UID, c.GID
		n.AtimeNs, n.MtimeNs, n.CtimeNs, n.BtimeNs = when, when, when, when
		return nil
	}
	dir, err := i.mkdirs(parts[:len(parts)-1])
	if err != nil {
		return err
	}
	name := parts[len(parts)-1]
	if old := dir.names[name]; old != 0 {
		o := i.node(old)
		if o.isDir() && c.Mode&unix.S_IFMT == unix.S_IFDIR {
			o.Mode, o.Uid, o.Gid, o.MtimeNs = unix.S_IFDIR|c.Mode&0o7777, c.UID, c.GID, when
			return nil
		}
		return fmt.Errorf("appears twice")
	}
	key := [2]uint64{c.Dev, c.Ino}
	hard := c.Nlink > 1 && c.Mode&unix.S_IFMT != unix.S_IFDIR
	if first := links[key]; hard && first != nil {
		first.Nlink++
		if c.Size > 0 {
			first.Size, first.at = int64(c.Size), c.Off
		}
		i.link(dir, name, first)
		return nil
	}
	if c.Mode&unix.S_IFMT == 0 {
		return fmt.Errorf("mode %#o has no file type", c.Mode)
	}
	n := i.add(c.Mode&(unix.S_IFMT|0o7777), c.UID, c.GID, when)
	switch c.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		n.Size, n.at, n.Lower = int64(c.Size), c.Off, true
	case unix.S_IFLNK:
		n.Target, n.Size = c.Target, int64(len(c.Target))
	case unix.S_IFCHR, unix.S_IFBLK:
		n.Rdev = unix.Mkdev(c.RdevMajor, c.RdevMinor)
	}
	i.link(dir, name, n)
	if hard {
		links[key] = n
	}
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
		case len(p) > tree.NameMax:
			return nil, fmt.Errorf("name of %d bytes", len(p))
		default:
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// mkdirs walks to a directory and makes what the archive implies but does not name.
func (i *cpioImage) mkdirs(parts []string) (*node, error) {
	dir := i.nodes[0]
	for _, p := range parts {
		ino := dir.names[p]
		if ino == 0 {
			n := i.add(unix.S_IFDIR|0o755, 0, 0, i.now)
			i.link(dir, p, n)
			dir = n
			continue
		}
		dir = i.node(ino)
		if !dir.isDir() {
			return nil, fmt.Errorf("%q is no directory", p)
		}
	}
	return dir, nil
}

// Root implements tree.Base.
func (i *cpioImage) Root() uint64 { return 1 }

// Last implements tree.Base.
func (i *cpioImage) Last() uint64 { return uint64(len(i.nodes)) }

// Inode implements tree.Base.
func (i *cpioImage) Inode(ino uint64) (*state.Inode, error) {
	return proto.Clone(i.node(ino).Inode).(*state.Inode), nil
}

// Lookup implements tree.Base.
func (i *cpioImage) Lookup(dir uint64, name string) (uint64, error) {
	return i.node(dir).names[name], nil
}

// List implements tree.Base.
func (i *cpioImage) List(dir, after uint64, yield func(tree.Entry) bool) error {
	for _, e := range i.node(dir).entries[after:] {
		if !yield(e) {
			break
		}
	}
	return nil
}

// Extent implements Image.
func (i *cpioImage) Extent(ino, off uint64) (Extent, error) {
	n := i.node(ino)
	return Extent{At: n.at, Len: uint64(n.Size)}, nil
}

// FIFOs implements Image.
func (i *cpioImage) FIFOs() (out []uint64, err error) {
	for _, n := range i.nodes {
		if n.Mode&unix.S_IFMT == unix.S_IFIFO {
			out = append(out, n.Ino)
		}
	}
	return out, nil
}
