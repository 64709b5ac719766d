package system

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Netflix/go-expect"
	"github.com/hugelgupf/vmtest/qemu"

	"aramid/boot/rootfs"
)

// expectTime is how long one line of a conversation may take.
const expectTime = 30 * time.Second

func TestAShellOnTheConsoleConverses(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	initrd := filepath.Join(t.TempDir(), "root")
	f, err := os.Create(initrd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rootfs.Build(f, dir); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	vm := qemu.StartT(t, "aramid", qemu.ArchAMD64,
		qemu.WithQEMUCommand("qemu-system-x86_64 -accel tcg -cpu max -m 512 -nodefaults -display none -serial stdio -debugcon file:"+filepath.Join(t.TempDir(), "log")),
		qemu.WithKernel(top+"/build/aramid.img"),
		qemu.WithInitramfs(initrd),
		qemu.WithAppendKernel("log=debugcon aramid.root=cpio aramid.mounts=container aramid.init=/bin/busybox,sh"),
		qemu.WithVMTimeout(limit),
		qemu.WithQEMUArgs("-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
	)
	say := func(line, answer string) {
		t.Helper()
		if _, err := vm.Console.SendLine(line); err != nil {
			t.Fatal(err)
		}
		if _, err := vm.Console.Expect(expect.String(answer), expect.WithTimeout(expectTime)); err != nil {
			t.Errorf("%s: no %q: %v", line, answer, err)
		}
	}
	if _, err := vm.Console.Expect(expect.String("# "), expect.WithTimeout(expectTime)); err != nil {
		t.Fatalf("no prompt: %v", err)
	}
	say("echo $((6*7))", "42")
	say("busybox ls /bin", "busybox")
	say("exit 0", "")
	if err := vm.Wait(); err == nil {
		t.Error("QEMU ended with status 0, want isa-debug-exit's 1")
	}
}
