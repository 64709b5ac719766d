package tree

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

func TestMountsCoverAndUncover(t *testing.T) {
	f := newFixture()
	f.make("m", unix.S_IFDIR|0o755, "")
	f.make("m/under", unix.S_IFREG, "")
	at, _ := f.Walk(&f.env, f.cwd, "m", 0)
	fs := f.NewFS("tmpfs", 0o755, 0, 0)
	if err := f.CheckMount(&f.env, f.Spot(at), nil); err != uabi.OK {
		t.Fatal(err)
	}
	f.Mount(f.Spot(at), fs, "x", MountFlags(unix.MS_RDONLY))
	if got := f.stat("m/under", 0); got != unix.ENOENT.Error() {
		t.Errorf("a covered name: %s", got)
	}
	if err := f.make("m/new", unix.S_IFREG, ""); err != uabi.ErrReadOnly {
		t.Errorf("a name on a read-only mount: %v", err)
	}
	if got := f.stat("m/../m/..", 0); got != "40000 3" {
		t.Errorf("the way out of a mount: %s", got)
	}
	if err := f.remove("m", true); err != uabi.ErrBusy {
		t.Errorf("rmdir of a mount point: %v", err)
	}
	inside, _ := f.Walk(&f.env, f.cwd, "m", 0)
	f.Use(inside.At)
	if err := f.CheckUnmount(&f.env, inside.At, false); err != uabi.ErrBusy {
		t.Errorf("unmount of a mount in use: %v", err)
	}
	f.Unuse(inside.At)
	if err := f.CheckUnmount(&f.env, inside.At, false); err != uabi.OK {
		t.Fatalf("unmount: %v", err)
	}
	f.Unmount(inside.At, false)
	if got := f.stat("m/under", 0); got != "100000 1" {
		t.Errorf("after unmount: %s", got)
	}
	if f.FSByID(fs.Id) != nil || len(f.Mounts()) != 2 {
		t.Error("the file system is still there")
	}
}
