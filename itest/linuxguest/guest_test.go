package linuxguest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aramid/boot/qemu"
)

// shell is a root with busybox.
func shell(t *testing.T) string {
	t.Helper()
	if _, err := (&qemu.Machine{Image: "/bin/busybox"}).Command(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "busybox"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAProgramsOutputAndStatusComeFromLinux6(t *testing.T) {
	out, status := Run(t, shell(t), "/busybox", "sh", "-c", "/busybox uname -sr; echo pid $$; /busybox tty; exit 7")
	if !strings.HasPrefix(out, "Linux 6.1.") || !strings.HasSuffix(out, "\npid 1\n/dev/console\n") || status != 7 {
		t.Errorf("status %d, output %q", status, out)
	}
}

func TestAMissingProgramHasAStatus(t *testing.T) {
	root := shell(t)
	if out, status := Run(t, root, "/none"); status != 127 {
		t.Errorf("status %d, output %q", status, out)
	}
}
