// Package rules tests what holds for the whole tree: the top level and who may import whom (DESIGN §2).
package rules

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// policy: a package whose path begins with `from` may import, of this module, only what begins with one of `may`. The first match
// counts. Test files and package main of tools are subject to it too, but for what toolsOnly says.
var policy = []struct {
	from string
	may  []string
}{
	{"ukernel/uabi", nil},
	{"ukernel/arch/hw", []string{"ukernel/uabi"}},
	{"ukernel/arch", []string{"ukernel/arch", "ukernel/uabi"}},
	{"ukernel/ktrace", []string{"ukernel/arch", "ukernel/uabi"}},
	{"ukernel/frame", []string{"ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/object", []string{"ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/vm", []string{"ukernel/object", "ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/sched", []string{"ukernel/vm", "ukernel/object", "ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/ipc", []string{"ukernel/sched", "ukernel/vm", "ukernel/object", "ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/syscall", []string{"ukernel/ipc", "ukernel/sched", "ukernel/vm", "ukernel/object", "ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/main", []string{"ukernel/syscall", "ukernel/ipc", "ukernel/sched", "ukernel/vm", "ukernel/object", "ukernel/frame", "ukernel/ktrace", "ukernel/arch", "ukernel/uabi"}},
	{"ukernel/uksim", []string{"ukernel/uk", "ukernel/uabi"}},
	{"ukernel/uk", []string{"ukernel/uabi"}},
	{"ukernel/kcheck", []string{"ukernel/kcheck"}},
	{"proto", []string{"proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/server", []string{"servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/mmd", []string{"servers/mmd", "servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/procd", []string{"servers/procd", "servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/vfsd", []string{"servers/vfsd", "servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/netd", []string{"servers/netd", "servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"servers/rootd", []string{"servers/rootd", "servers/server", "proto", "ukernel/uk", "ukernel/uabi"}},
	{"linuxabi", []string{"linuxabi", "servers/server", "proto", "ukernel/uk", "ukernel/uabi", "ukernel/arch/hw"}},
	{"boot", []string{"boot", "proto", "ukernel/kcheck", "ukernel/uabi", "ukernel/arch/hw"}},
	{"itest/boot/tiny", []string{"ukernel/arch", "ukernel/uabi"}}, // a kernel of its own, to test the machine layer
	{"itest", []string{"itest", "boot", "proto", "servers/server", "ukernel/uk", "ukernel/uabi"}},
}

// simulated packages may be imported by tests of what runs on the kernel, since uksim is a test tool.
var testOnly = []string{"ukernel/uksim"}

// kernelPackages import nothing from outside ukernel but these of the standard library.
var kernelPackages = []string{"ukernel/frame", "ukernel/object", "ukernel/vm", "ukernel/sched", "ukernel/ipc", "ukernel/syscall", "ukernel/ktrace", "ukernel/main", "ukernel/arch/amd64", "ukernel/uabi"}

var kernelStd = map[string]bool{"unsafe": true, "math/bits": true, "sync/atomic": true}

// topLevel is fixed.
var topLevel = map[string]bool{"boot": true, "docs": true, "itest": true, "linuxabi": true, "proto": true, "servers": true, "ukernel": true}

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T, tags string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "-tags", tags, "aramid/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func under(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

func TestImportsPointRightOrDown(t *testing.T) {
	for _, tags := range []string{"", "ukernel"} {
		for _, p := range packages(t, tags) {
			from := strings.TrimPrefix(p.ImportPath, "aramid/")
			rule := -1
			for i := range policy {
				if under(from, []string{policy[i].from}) {
					rule = i
					break
				}
			}
			if rule < 0 {
				t.Errorf("%s is in no rule", from)
				continue
			}
			check := func(imports []string, more []string) {
				for _, i := range imports {
					to, ours := strings.CutPrefix(i, "aramid/")
					if ours && to != from && !under(to, policy[rule].may) && !under(to, more) {
						t.Errorf("%s imports %s", from, to)
					}
				}
			}
			check(p.Imports, nil)
			check(append(p.TestImports, p.XTestImports...), testOnly)
		}
	}
}

func TestTheKernelImportsNearlyNothing(t *testing.T) {
	for _, p := range packages(t, "ukernel") {
		if !under(strings.TrimPrefix(p.ImportPath, "aramid/"), kernelPackages) {
			continue
		}
		for _, i := range p.Imports {
			if !strings.HasPrefix(i, "aramid/ukernel/") && !kernelStd[i] {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	out, err := exec.Command("git", "-C", "../..", "ls-files").Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	for f := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		dir, _, isDir := strings.Cut(f, "/")
		if isDir && !topLevel[dir] && dir != ".ci" {
			t.Errorf("%s: %s is not a top-level folder of DESIGN §2", f, dir)
		}
	}
}
