package distro

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"aramid/boot/rootfs"
)

// machineLimit is how long one program may run on either system.
const machineLimit = 10 * time.Minute

// result is what a program printed, output and errors together, and how it ended.
type result struct {
	out    string
	status int
}

// unpacked is the Debian root as a directory, made once for all tests; TestMain removes it.
var unpacked = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aramid-distro-")
	if err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "cpio")
	f, err := os.Create(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w := cpio.Newc.Writer(f)
	if err := errors.Join(rootfs.ForLinux(w, root), cpio.WriteTrailer(w)); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return "", err
	}
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/busybox", "cpio", "-idm")
	cmd.Stdin, cmd.Dir = f, tree
	return tree, errors.Join(cmd.Run(), os.Remove(archive))
})

// debianTree gives the Debian root as a directory with an empty /prog for the test's own programs. The test is skipped for who cannot chroot.
func debianTree(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may change its root")
	}
	tree, err := unpacked()
	if err != nil {
		t.Fatal(err)
	}
	prog := filepath.Join(tree, "prog")
	if err := errors.Join(os.RemoveAll(prog), os.Mkdir(prog, 0o755)); err != nil {
		t.Fatal(err)
	}
	return tree
}

// removeTree removes what unpacked made, if it did.
func removeTree() {
	if tree, err := unpacked(); err == nil {
		os.RemoveAll(filepath.Dir(tree))
	}
}

// environment is what a program gets on both systems.
var environment = []string{"PATH=/usr/bin:/usr/sbin:/bin", "HOME=/root", "TERM=linux", "LC_ALL=C", "TZ=UTC"}

// container mounts what aramid run mounts for a program and makes $1 its root; the rest is the program. Process ids go on from 2.
const container = `set -e
mount --bind "$1" "$1"; cd "$1"; shift
mount -t proc -o nosuid,nodev,noexec proc proc; mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys; mount -t tmpfs -o nosuid,mode=755 dev dev
for d in null zero full random urandom tty; do mknod -m 666 dev/$d c $(stat -c '0x%t 0x%T' /dev/$d); done
ln -s /proc/self/fd dev/fd; ln -s /proc/self/fd/0 dev/stdin; ln -s /proc/self/fd/1 dev/stdout; ln -s /proc/self/fd/2 dev/stderr
mkdir dev/pts dev/shm; mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts; ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o nosuid,nodev shm dev/shm; mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs run; mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs tmp
pivot_root . mnt; umount -l /mnt
echo 1 > /proc/sys/kernel/ns_last_pid
exec "$@"`

// onLinux runs a program of the tree on this machine's Linux: as process 1 of a container, as it is on Aramid.
func onLinux(t *testing.T, tree string, argv ...string) result {
	t.Helper()
	return plainOnLinux(t, tree, filtered(argv)...)
}

// onAramid runs it on Aramid.
func onAramid(t *testing.T, tree string, argv ...string) result {
	t.Helper()
	return plainOnAramid(t, tree, filtered(argv)...)
}

// plainOnLinux is onLinux for trees without bash: output and errors are a pipe there and a terminal on Aramid.
func plainOnLinux(t *testing.T, tree string, argv ...string) result {
	t.Helper()
	args := append([]string{"--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "sh", "-c", "exec 2>&1 </dev/null; renice -n 0 -p $$ >/dev/null 2>&1;" + container, "sh", tree}, argv...)
	return execute(t, "unshare", append(environment, "PATH=/usr/bin:/usr/sbin:/bin:/sbin"), args...)
}

// plainOnAramid is the same on Aramid.
func plainOnAramid(t *testing.T, tree string, argv ...string) result {
	t.Helper()
	args := []string{"run", "--root", tree, "--mem", "1G", "--append", noRandom + " " + os.Getenv("ARAMID_APPEND")} // e.g. aramid.strace=on
	for _, e := range environment {
		args = append(args, "--env", e)
	}
	if dir := os.Getenv("ARAMID_KEEP"); dir != "" {
		args = append(args, "--log", filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".log"))
	}
	return execute(t, aramid, os.Environ(), append(append(args, "--"), argv...)...)
}

// filtered is argv with a pipe for its output and errors and nothing to read, so that on both systems it writes to no terminal.
func filtered(argv []string) []string {
	return append([]string{"/bin/bash", "-c", `"$@" 2>&1 </dev/null | cat; exit ${PIPESTATUS[0]}`, "bash"}, argv...)
}

func execute(t *testing.T, name string, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), machineLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, errOut bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &errOut
	err := cmd.Run()
	if ctx.Err() != nil || cmd.ProcessState == nil {
		t.Fatalf("%s %q: %v\n%s\n%s", name, args, err, out.String(), errOut.String())
	}
	if errOut.Len() > 0 {
		t.Logf("%s: %s", name, errOut.String())
	}
	return result{strings.ReplaceAll(out.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()}
}

// same runs a program of the tree on both systems, reports where their outputs part, and gives Linux's.
func same(t *testing.T, tree string, argv ...string) result {
	t.Helper()
	want, got := onLinux(t, tree, argv...), onAramid(t, tree, argv...)
	compare(t, want, got)
	return want
}

// compare reports where two outputs part. With ARAMID_KEEP=DIR both are kept there, and what Aramid logged.
func compare(t *testing.T, want, got result) {
	t.Helper()
	if got.status != want.status {
		t.Errorf("status %d, on Linux %d", got.status, want.status)
	}
	here, there := strings.Split(got.out, "\n"), strings.Split(want.out, "\n")
	for i := range max(len(here), len(there)) {
		if i >= len(here) || i >= len(there) || here[i] != there[i] {
			t.Errorf("line %d:\n%s\non Linux:\n%s", i+1, around(here, i), around(there, i))
			break
		}
	}
	if dir := os.Getenv("ARAMID_KEEP"); dir != "" {
		name := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-"))
		if err := errors.Join(os.WriteFile(name+".linux", []byte(want.out), 0o644), os.WriteFile(name+".aramid", []byte(got.out), 0o644)); err != nil {
			t.Error(err)
		}
	}
}

// around is line i and what it stands among.
func around(lines []string, i int) string {
	const before, after = 3, 12
	return strings.Join(lines[min(max(0, i-before), len(lines)):min(i+after, len(lines))], "\n")
}

// gcc compiles with the arguments.
func gcc(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, out)
	}
}
