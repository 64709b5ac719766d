package main

import (
	"testing"

	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
)

// noInode is an image in which nothing may be looked up.
type noInode struct {
	tree.Base
	t *testing.T
}

func (noInode) Root() uint64 { return 1 }
func (noInode) Last() uint64 { return 1 << 20 }

func (b noInode) Inode(ino uint64) (*state.Inode, error) {
	b.t.Errorf("inode %d was looked up", ino)
	return nil, nil
}

// What a link of /proc/PID/fd leads to may have no inode: its number is the open file's.
func TestAnOpenFilesNumberIsNoInodes(t *testing.T) {
	h := New(Config{})
	h.tree.NewBaseFS("erofs", noInode{t: t}, func(err error) { t.Error(err) })
	k := &call{VFSD: h}
	o := &state.Open{}
	k.nameOpen(o, &tree.Found{At: tree.Ref{Mount: tree.OpenMount, Ino: 185}, OK: true, Last: tree.LastJump, OpenFile: true})
	if o.Path != "" || o.Dir != 0 {
		t.Errorf("named %q in %d", o.Path, o.Dir)
	}
}
