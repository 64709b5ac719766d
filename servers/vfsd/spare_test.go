package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// An open file that was closed is what the next open takes, and its name is the directory's.
func TestOpenAndCloseAllocateNothing(t *testing.T) {
	h := New(Config{})
	h.root = h.tree.MountRoot(h.tree.NewFS("tmpfs", 0o755, 0, 0), "test")
	dir := h.tree.Add(h.tree.Inode(h.root.Ino), "dir", unix.S_IFDIR|0o755, 0, "", 0)
	h.tree.Add(dir, "file", unix.S_IFREG|0o644, 0, "", 0)
	k := &call{VFSD: h, cwd: h.root}
	k.env.Root, k.env.Synth = h.root, k
	again := func() {
		var f tree.Found
		var out vfs.OpenReply
		if err := k.walkTo(&f, 0, "/dir/file", tree.Follow); err != uabi.OK || !f.OK {
			t.Fatal(err, f.OK)
		}
		o := h.newOpen(unix.O_RDONLY)
		k.nameOpen(o, &f)
		if o.Dir != dir.Ino || o.Name != "file" || o.Path != "" || o.At != nil || o.Pos != 0 {
			t.Fatalf("a new open file is %v", o)
		}
		a, _ := k.tree.AttrOf(&k.env, &f)
		kind, err := k.checkOpen(f.At, a, unix.O_RDONLY)
		if err != uabi.OK {
			t.Fatal(err)
		}
		k.add(o, f.At, kind, 1, &out)
		if o.Pos = 7; h.opens.Get(o.Id) != o || tree.FromPb(o.At) != f.At {
			t.Fatalf("it is not in the state, or stands at %v", o.At)
		}
		h.Gone(nil, o.Id)
	}
	if n := testing.AllocsPerRun(100, again); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if h.opens.Len() != 0 {
		t.Errorf("%d files are open", h.opens.Len())
	}
}
