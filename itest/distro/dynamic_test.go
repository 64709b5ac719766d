package distro

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chainLength is the number of libraries of chain.c, each of which needs the next.
const chainLength = 6

// dynamicProgram compiles testdata/dynamic into prog, where it finds its libraries beside itself.
func dynamicProgram(t *testing.T, prog string) {
	t.Helper()
	lib := func(name, source string, args ...string) {
		t.Helper()
		gcc(t, append([]string{"-shared", "-fPIC", "-O1", "-Wl,-rpath,$ORIGIN", "-L" + prog, "-o", filepath.Join(prog, name), "testdata/dynamic/" + source}, args...)...)
	}
	lib("libours.so", "lib.c")
	for n := chainLength; n > 0; n-- {
		if n == chainLength {
			lib(fmt.Sprintf("libchain%d.so", n), "chain.c", fmt.Sprintf("-DN=%d", n), "-DLAST")
		} else {
			lib(fmt.Sprintf("libchain%d.so", n), "chain.c", fmt.Sprintf("-DN=%d", n), fmt.Sprintf("-DNEXT=%d", n+1), fmt.Sprintf("-lchain%d", n+1))
		}
	}
	lib("plugin.so", "plugin.c", "-lours", "-lm")
	lib("preload.so", "preload.c")
	lib("lacking.so", "lacking.c")
	for name, flags := range map[string][]string{
		"pie-now":  {"-pie", "-fPIE", "-Wl,-z,relro,-z,now"},
		"pie-lazy": {"-pie", "-fPIE", "-Wl,-z,relro,-z,lazy"},
		"fixed":    {"-no-pie", "-fno-PIE", "-Wl,-z,relro,-z,now"},
	} {
		gcc(t, append(append([]string{"-O1", "-w", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-o", filepath.Join(prog, name)}, flags...),
			"testdata/dynamic/main.c", "-L"+prog, "-lours", "-lchain1", "-lm", "-l:libpthread.so.0", "-l:libdl.so.2")...)
	}
	gcc(t, "-O1", "-w", "-Wl,-rpath,$ORIGIN/away", "-o", filepath.Join(prog, "needs"), "testdata/dynamic/needs.c", "-L"+prog, "-lours")
}

// Thread-local variables of the program, of libraries and of what is loaded later, with libm, libpthread and libdl; nine libraries; IFUNCs and RELRO, bound at once
// and when called, with and without a fixed address; LD_PRELOAD; dlopen of ours and of Debian's, calls of what is resolved, and each reason to refuse.
func TestDynamicProgramsLinkLoadAndResolveAsOnLinux(t *testing.T) {
	tree := debianTree(t)
	prog := filepath.Join(tree, "prog")
	dynamicProgram(t, prog)
	if err := os.WriteFile(filepath.Join(prog, "text.so"), []byte("this is no library, but it is long enough to look like one to who does not read it\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const lib = "/usr/lib/x86_64-linux-gnu/"
	arguments := "/prog/plugin.so /prog/lacking.so /prog/text.so " + lib + "systemd/libsystemd-shared-252.so " + lib + "libsystemd.so.0 " + lib + "libz.so.1 " + lib + "libcrypto.so.3"
	script := `cd /prog
for p in pie-now pie-lazy fixed; do
  echo "== $p"; ./$p ` + arguments + `; echo "-- $?"
  echo "== $p, preloaded"; LD_PRELOAD=/prog/preload.so ./$p ` + arguments + `; echo "-- $?"
done
echo "== bound now"; LD_BIND_NOW=1 ./pie-lazy ` + arguments + `; echo "-- $?"
echo "== by the loader"; /lib64/ld-linux-x86-64.so.2 ./pie-now ` + arguments + `; echo "-- $?"
echo "== path"; LD_LIBRARY_PATH=/prog ./needs; echo "-- $?"
echo "== lacking"; ./needs; echo "-- $?"
echo "== no preload"; LD_PRELOAD=/prog/nothing.so ./needs; echo "-- $?"
ldd ./pie-now | sed 's/ (0x.*//'
`
	want := same(t, tree, "/bin/bash", "-c", script)
	for _, word := range []string{"preloaded: 4242", "RELRO holds", "plugin: ", "read_one_line_file: ", "get_process_comm: 0 ", "cannot open shared object file", "undefined symbol", "libchain6.so => "} {
		if !strings.Contains(want.out, word) {
			t.Errorf("no %q on Linux: %s", word, want.out)
		}
	}
	if strings.Contains(want.out, "-- 1\n") || strings.Contains(want.out, "dlsym") {
		t.Errorf("what should load does not on Linux: %s", want.out)
	}
}
