package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// library is a line of ldd: a path, behind "=>" or alone.
var library = regexp.MustCompile(`(?m)(/\S+) \(0x`)

// install copies this machine's files with the libraries they need to the same paths below root.
func install(t *testing.T, root string, files ...string) {
	t.Helper()
	for _, f := range files {
		copyFile(t, f, filepath.Join(root, f))
		out, err := exec.Command("ldd", f).CombinedOutput()
		if err != nil {
			t.Fatalf("ldd %s: %v\n%s", f, err, out)
		}
		for _, m := range library.FindAllStringSubmatch(string(out), -1) {
			copyFile(t, m[1], filepath.Join(root, m[1]))
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// gcc compiles with the arguments.
func gcc(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, out)
	}
}

// debianPrograms are of Debian's essential packages, so that they are on every Debian machine.
var debianPrograms = strings.Fields(`bash cat chmod chown cp cut date dd dirname basename du echo env expr false find grep gzip head id install join
	ln ls md5sum mkdir mkfifo mktemp mv nice nl od paste perl printf readlink realpath rm rmdir sed seq sha256sum sleep sort split stat sum
	tac tail tar tee test timeout touch tr true truncate uniq wc xargs yes flock setsid mawk diff cmp`)

// debianScript is one bash script. Its directory is its own, and names and orders do not depend on the file system.
const debianScript = `
export LC_ALL=C TZ=UTC
cd "$1" || exit 9
t() { echo "== $*"; "$@" 2>&1; echo "-- $?"; }
printf 'one\ntwo\nthree\n' > f
t sort f; t sort -r f; t wc f; t grep -n o f; t sed 's/o/0/g;2d' f; t head -c 5 f; t tail -n 1 f; t tac f; t nl f; t od -c f; t tr a-z A-Z < f
t cut -c2- f; t md5sum f; t sha256sum f; t paste f f; t split -l 1 f part.; t ls -1; t uniq -c f; t diff f /dev/null; t cmp f f
t mawk '{ n += length($1) } END { print n }' f
t bash -c 'seq 1 20000 | sort -rn | head -n 2'
t bash -c 'seq 1 100000 | md5sum'
mkdir -p d/e; ln -s ../f d/l; ln f d/h; mkfifo d/p
t find d -printf '%y %P %l\n' | sort; t ls -1R d; t stat -c '%F %h %a' f d/p; t readlink d/l; t cat d/l; t realpath --relative-to=. d/e/..
t tar cf d.tar d; t tar tf d.tar | sort; mkdir x; t gzip -k d.tar; t tar xzf d.tar.gz -C x; t cat x/d/l; t test x/d/h -ef x/d/l
t cp -r d c; t mv c m; t rm -r m; t rm nothing; t rmdir d; t touch -d @86400 f; t date -r f +%s; t chmod 640 f; t stat -c %a f
t dd if=/dev/zero of=z bs=4096 count=100 status=none; t stat -c %s z; t truncate -s 10 z; t du -b z; t bash -c 'yes | head -n 100000 | wc -c'
t bash -c 'cat < <(echo subst) | tee t1 | tr s S; cat t1'
t bash -c 'trap "echo trapped" USR1; kill -USR1 $$; echo after'
t bash -c 'sleep 0.05 & sleep 0.2 & wait -n; echo $?; wait; echo all'
t bash -c 'coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x'
t bash -c 'sleep 9 & kill %1; wait $!; echo $?'
t bash -c 'set -o pipefail; false | true; echo $?; (exit 7) | cat; echo ${PIPESTATUS[0]}'
t bash -c 'for i in {1..30}; do (exit $i) & p+=($!); done; for q in ${p[@]}; do wait $q; s=$((s+$?)); done; echo $s'
t bash -c 'exec 9>lock; flock -n 9 || echo no; (exec 8>lock; flock -n 8 || echo busy)'
t bash -c 'x=$(printf "%s " {1..5000}); echo ${#x}; /usr/bin/echo $x | md5sum'
t bash -c 'cat d/p & echo through > d/p; wait'
t timeout 0.1 sleep 5; t nice -n 5 nice; t env -i A=b env; t expr 6 '*' 7; t seq -s, 5; t xargs -n 2 echo < f; t id -u; t setsid bash -c 'echo session'
t perl -e 'my %h = map { $_ => $_**2 } 1..5; print join(",", map { "$_=$h{$_}" } sort keys %h), "\n"'
t perl -e 'pipe(R, W); if (!fork) { print W "child\n"; exit 3 } close W; print <R>; wait; print $? >> 8, "\n"'
t perl -e '$SIG{ALRM} = sub { die "alarm\n" }; alarm 1; eval { select(undef, undef, undef, 10) }; print $@'
t perl -e 'open F, "+<", "f"; seek F, 4, 0; read F, $x, 3; print "$x\n"; truncate F, 3; close F; print -s "f", "\n"; rename "f", "g"; print -e "g", "\n"'
`

func TestDebiansOwnProgramsDoWhatTheyDoOnLinux(t *testing.T) {
	root := t.TempDir()
	files := []string{}
	for _, p := range debianPrograms {
		if path, err := exec.LookPath("/usr/bin/" + p); err == nil {
			files = append(files, path)
		} else {
			t.Errorf("%s is not here", p)
		}
	}
	install(t, root, files...)
	if err := os.Symlink("usr/bin", filepath.Join(root, "bin")); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(root, "script")
	if err := os.WriteFile(script, []byte(debianScript), 0o644); err != nil {
		t.Fatal(err)
	}
	want := onLinux(t, "/usr/bin/env", "-i", "PATH=/usr/bin", "/usr/bin/bash", script, t.TempDir())
	got := run(t, "run", "--root", root, "--append", "norandmaps", "--env", "PATH=/usr/bin", "--", "/usr/bin/bash", "/script", "/tmp")
	if got.out == want.out && got.status == want.status {
		return
	}
	here, there := strings.Split(got.out, "\n"), strings.Split(want.out, "\n")
	for i := range there {
		if i >= len(here) || here[i] != there[i] {
			t.Fatalf("line %d:\n%s\non Linux:\n%s\n%s", i, strings.Join(here[min(i, len(here)):min(i+12, len(here))], "\n"), strings.Join(there[i:min(i+12, len(there))], "\n"), got.err)
		}
	}
	t.Errorf("status %d, on Linux %d; %d lines, on Linux %d\n%s", got.status, want.status, len(here), len(there), got.err)
}
