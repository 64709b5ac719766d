package restart

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// linuxKills is how often each of the servers under a Linux program is killed.
const linuxKills = 20

// script answers each line of its input with two, through a pipe, a subshell and an exec.
const script = `n=0; while read x; do n=$((n+1)); echo $n $x | /bin/busybox cat; y=$(echo sub $x); echo "$y"; done; exit 9`

func TestAProgramDoesNotSeeItsServersKilled(t *testing.T) {
	if out, err := exec.Command("make", "-C", top, "image").CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, out)
	}
	dir := t.TempDir()
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "root/bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root/bin/busybox"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("restart%d", os.Getpid())
	log := filepath.Join(dir, "log")
	cmd := exec.Command(top+"/build/aramid", "run", "--name", name, "--accel", "tcg", "--smp", "2", "--timeout", limit.String(), "--log", log,
		"--root", filepath.Join(dir, "root"), "--", "/bin/busybox", "sh", "-c", script)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	converse(t, name, in, bufio.NewScanner(out))
	in.Close()
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 9 {
		text, _ := os.ReadFile(log)
		t.Errorf("the program's end: %v; the log:\n%s", err, text)
	}
}

// converse sends lines, kills a server at each, and checks the answers.
func converse(t *testing.T, name string, in io.Writer, out *bufio.Scanner) {
	line := func(n int) {
		t.Helper()
		for _, want := range []string{fmt.Sprintf("%d word%d", n, n), fmt.Sprintf("sub word%d", n)} {
			if !out.Scan() || strings.TrimSpace(out.Text()) != want {
				t.Fatalf("line %d: %q (%v), want %q", n, out.Text(), out.Err(), want)
			}
		}
	}
	fmt.Fprintln(in, "word1")
	line(1)
	servers := []string{"linuxabi", "mmd", "netd", "procd", "vfsd"}
	for n := 2; n < 2+linuxKills*len(servers); n++ {
		fmt.Fprintf(in, "word%d\n", n)
		time.Sleep(time.Duration(n%7) * time.Millisecond) // so that all parts of an answer are met
		if text, err := exec.Command(top+"/build/aramid", "kill", "--vm", name, servers[n%len(servers)]).CombinedOutput(); err != nil {
			t.Fatalf("kill: %v: %s", err, text)
		}
		line(n)
	}
}
