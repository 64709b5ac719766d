package kcheck_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aramid/ukernel/kcheck"
)

// Link flags of the fixture kernels: where the real kernel lies (boot/image). clean has an assembly entry of its own.
const (
	linkFlags  = "-T -0x7fdff000 -checklinkname=0"
	cleanEntry = " -E main.kentry"
)

// fixtures is where TestMain puts the linked kernels.
var fixtures string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kcheck")
	if err == nil {
		fixtures = dir
		err = buildFixtures()
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func buildFixtures() error {
	for _, name := range []string{"clean", "seeded", "initwork", "toolarge"} {
		flags := linkFlags
		if name == "clean" {
			flags += cleanEntry
		}
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(fixtures, name), "-tags", "ukernel", "-ldflags", flags, "./testdata/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("fixture %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// seededPackages is the prefix of the seeded kernel's packages other than main.
const seededPackages = "aramid/ukernel/kcheck/testdata"

// noArch is the import path of no package: fixtures checked with it may not use privileged instructions.
const noArch = "none"

func check(t *testing.T, fixture string, config kcheck.Config) (*kcheck.Report, error) {
	t.Helper()
	r, err := kcheck.Check(filepath.Join(fixtures, fixture), config)
	if r == nil {
		t.Fatal(err)
	}
	return r, err
}

func TestKernelThatKeepsTheRulesPasses(t *testing.T) {
	r, err := check(t, "clean", kcheck.Config{Arch: "main"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"main.trapEntry", "main.kmain", "main.number", "main.(*disk).read", "runtime.memmove", "runtime.memequal"} {
		if !has(r.Reachable, want) {
			t.Errorf("%s is not among the reachable functions", want)
		}
	}
	if !has(r.TrapLeaves, "runtime.panicdivide") || has(r.Reachable, "runtime.mallocgc") || !has(r.Unreachable, "runtime.mallocgc") {
		t.Errorf("trap leaves %v", r.TrapLeaves)
	}
}

func has(funcs []*kcheck.Func, name string) bool {
	for _, f := range funcs {
		if f.Name == name {
			return true
		}
	}
	return false
}

// seeded says which rule each violation breaks and what its message names.
var seeded = []struct {
	entry string
	rule  kcheck.Rule
	names string
}{
	{"badNew", kcheck.RuleForbidden, "runtime.newobject"},
	{"badMake", kcheck.RuleForbidden, "runtime.makeslice"},
	{"badAppend", kcheck.RuleForbidden, "runtime.growslice"},
	{"badMap", kcheck.RuleForbidden, "runtime.mapassign"},
	{"badChan", kcheck.RuleForbidden, "runtime.chansend1"},
	{"badReceive", kcheck.RuleForbidden, "runtime.chanrecv1"},
	{"badSelect", kcheck.RuleForbidden, "runtime.block"},
	{"badGo", kcheck.RuleForbidden, "runtime.newproc"},
	{"badDefer", kcheck.RuleForbidden, "runtime.deferreturn"},
	{"badDeferLoop", kcheck.RuleForbidden, "runtime.deferproc"},
	{"badRecover", kcheck.RuleForbidden, "runtime.gorecover"},
	{"badConcat", kcheck.RuleForbidden, "runtime.concatstring"},
	{"badConversion", kcheck.RuleForbidden, "runtime.stringtoslicebyte"},
	{"badInterface", kcheck.RuleForbidden, "runtime.convT64"},
	{"badAssertion", kcheck.RuleForbidden, "runtime.typeAssert"},
	{"badEscape", kcheck.RuleForbidden, "runtime.newobject"},
	{"badPrint", kcheck.RuleForbidden, "runtime.printstring"},
	{"badLibrary", kcheck.RuleForbidden, "fmt.Fprintln"},
	{"badRecursion", kcheck.RuleRecursion, "main.badRecursion → main.badRecursion"},
	{"badEven", kcheck.RuleRecursion, "main.badEven → main.badOdd → main.badEven"},
	{"badChanged", kcheck.RuleIndirect, "main.badChanged"},
	{"badParameter", kcheck.RuleIndirect, "main.badParameter"},
	{"badField", kcheck.RuleIndirect, "main.badField"},
	{"badJump", kcheck.RuleIndirect, "main.badJump"},
	{"badReturn", kcheck.RuleIndirect, "main.badReturn"},
	{"badPrivileged", kcheck.RulePrivileged, "outside.Disable.abi0: privileged instruction CLI"},
	{"badStack", kcheck.RuleStack, "main.badStack 90"},
	{"badStackSum", kcheck.RuleStack, "main.sum2 30"},
	{"badPush", kcheck.RuleStack, "main.badPush"},
	{"badSwitch", kcheck.RuleStack, "main.badSwitch"},
	{"badAVX", kcheck.RuleAVX, "main.badAVX"},
	{"badFeature", kcheck.RuleAVX, "runtime.memmoveBits is not constant, it is written by main.badFeature"},
	{"badFeatureAddress", kcheck.RuleAVX, "runtime.memmoveBits is not constant, its address is taken by main.badFeatureAddress"},
	{"badABI", kcheck.RuleABI, "main.keptTarget is compiled Go"},
	{"badABIPath", kcheck.RuleABI, "main.keptTarget is compiled Go"},
	{"badBytes", kcheck.RuleDecode, "main.badBytes"},
	{"badEnd", kcheck.RuleDecode, "main.badEnd"},
}

func TestEachSeededViolationIsRejectedByItsRule(t *testing.T) {
	for _, s := range seeded {
		t.Run(s.entry, func(t *testing.T) {
			r, err := check(t, "seeded", kcheck.Config{Arch: noArch, Kernel: []string{seededPackages}, Entry: "main." + s.entry})
			if err == nil {
				t.Fatal("passed")
			}
			if !strings.Contains(err.Error(), s.names) || !strings.Contains(err.Error(), "via main."+s.entry) {
				t.Errorf("the message does not name %s and the path from main.%s: %v", s.names, s.entry, err)
			}
			for _, v := range r.Violations {
				if v.Rule != s.rule {
					t.Errorf("want only %s, got %v", s.rule, v)
				}
			}
		})
	}
}

func TestEverySeededFunctionOfTheFixtureIsTested(t *testing.T) {
	tested := map[string]bool{"badTarget": true, "badOdd": true} // helpers
	for _, s := range seeded {
		tested[s.entry] = true
	}
	file, err := elf.Open(filepath.Join(fixtures, "seeded"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	syms, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range syms {
		name, ok := strings.CutPrefix(strings.TrimSuffix(s.Name, ".abi0"), "main.")
		if ok && strings.HasPrefix(name, "bad") && !strings.ContainsAny(name, ".·") && !tested[name] {
			t.Errorf("%s has no test", name)
		}
	}
}

func TestTwinsThatKeepTheRulesPass(t *testing.T) {
	for _, entry := range []string{"keptCopy", "keptMethod", "keptSwitch", "keptTarget", "keptVariable"} {
		r, err := check(t, "seeded", kcheck.Config{Arch: noArch, Entry: "main." + entry})
		if err != nil {
			t.Errorf("%s: %v", entry, err)
		}
		if entry == "keptMethod" && !has(r.Reachable, "main.(*impl).m") {
			t.Error("the call through an itab was not resolved")
		}
		if entry == "keptSwitch" && !has(r.Reachable, "main.keptTarget") {
			t.Error("the jump table was not resolved")
		}
	}
}

func TestCodeOutsideTheKernelsPackagesIsRejected(t *testing.T) {
	_, err := check(t, "seeded", kcheck.Config{Arch: noArch, Entry: "main.badPrivileged"})
	if err == nil || !strings.Contains(err.Error(), "outside.Disable.abi0: package is not part of the kernel") {
		t.Errorf("got %v", err)
	}
}

func TestTableOfStubsIsEnteredAtEachOfThem(t *testing.T) {
	sizes := map[int]int{}
	for count := range 4 {
		config := kcheck.Config{Arch: "main"}
		if count > 0 {
			config.Stubs = []kcheck.Stubs{{Symbol: "main.stubs", Stride: 16, Count: count}}
		}
		r, err := check(t, "clean", config)
		if ok := err == nil; ok != (count == 0 || count == 2) {
			t.Errorf("%d stubs: %v", count, err)
		}
		sizes[count] = r.Insts
	}
	if sizes[2] != sizes[0]+2 {
		t.Errorf("the second stub's two instructions are missing: %v", sizes)
	}
}

func TestStackLimitIsTheArgument(t *testing.T) {
	r, err := check(t, "seeded", kcheck.Config{Arch: noArch, Entry: "main.badStack", Stack: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if r.Deepest < 9000 || r.Deepest > 9200 {
		t.Errorf("deepest %d", r.Deepest)
	}
	const guard = 928 // what the stack check of compiled Go keeps free (internal/abi.StackGuard)
	config := kcheck.Config{Arch: noArch, Entry: "main.badStack", Stack: r.Deepest + guard}
	if _, err := check(t, "seeded", config); err != nil {
		t.Error(err)
	}
	config.Stack = r.Deepest - 1
	if _, err := check(t, "seeded", config); err == nil || !strings.Contains(err.Error(), "needs 90") {
		t.Errorf("one byte too deep: %v", err)
	}
	config.Stack = r.Deepest
	if _, err := check(t, "seeded", config); err == nil || !strings.Contains(err.Error(), "checks its stack") {
		t.Errorf("no room for the stack check of Go: %v", err)
	}
}

func TestInitialiserWithCodeIsRejected(t *testing.T) {
	r, err := check(t, "initwork", kcheck.Config{Arch: noArch, Entry: "main.entry"})
	if err == nil || len(r.Violations) != 1 || r.Violations[0].Rule != kcheck.RuleInit || r.Violations[0].Func != "main.init" {
		t.Errorf("got %v", err)
	}
}

func TestTooMuchReachableCodeIsRejected(t *testing.T) {
	r, err := check(t, "toolarge", kcheck.Config{Arch: noArch, Entry: "main.entry"})
	if err == nil || len(r.Violations) != 1 || r.Violations[0].Rule != kcheck.RuleText || !strings.Contains(err.Error(), "main.entry.abi0 13") {
		t.Errorf("got %v", err)
	}
	if _, err := check(t, "toolarge", kcheck.Config{Arch: noArch, Entry: "main.entry", Text: r.Live}); err != nil {
		t.Error(err)
	}
}

func TestPatchesLeaveExactlyTheReachableInstructions(t *testing.T) {
	r, err := check(t, "clean", kcheck.Config{Arch: "main"})
	if err != nil {
		t.Fatal(err)
	}
	at, sum := uint64(0), 0
	starts := map[uint64]bool{}
	for _, p := range kcheck.Patches(r) {
		if p.Addr < at || p.Len <= 0 {
			t.Fatalf("piece %#x +%d overlaps or is empty", p.Addr, p.Len)
		}
		at = p.Addr + uint64(p.Len)
		sum += p.Len
		starts[p.Addr] = true
	}
	dead := 0
	for _, b := range r.Blocks {
		dead += b.Len
	}
	if r.Text-sum != r.Live || r.Bytes-dead != r.Live {
		t.Errorf("%d bytes of text, %d overwritten; functions of %d bytes, %d of them dead; %d live", r.Text, sum, r.Bytes, dead, r.Live)
	}
	for _, f := range append(r.Unreachable, r.TrapLeaves...) {
		if !starts[f.Addr] {
			t.Errorf("no piece starts at %s", f.Name)
		}
	}
	avx := false
	for _, b := range r.Blocks {
		avx = avx || b.AVX && b.Func == "runtime.memmove"
	}
	if !avx {
		t.Error("memmove's AVX block is not among the blocks")
	}
}

func TestFileThatIsNoKernelIsAnErrorWithoutReport(t *testing.T) {
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte("not an ELF file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{name, filepath.Join(fixtures, "absent")} {
		if r, err := kcheck.Check(path, kcheck.Config{}); err == nil || r != nil {
			t.Errorf("%s: report %v, error %v", path, r, err)
		}
	}
	if _, err := kcheck.Check(filepath.Join(fixtures, "clean"), kcheck.Config{Entry: "main.absent"}); err == nil {
		t.Error("an entry that does not exist passed")
	}
}

func TestReportNamesEntriesAndTheirPaths(t *testing.T) {
	r, _ := check(t, "clean", kcheck.Config{Arch: "main"})
	text := r.String()
	for _, want := range []string{"entry main.stubs (address taken at", "main.kmain", "→ main.number", "never written: runtime.memmoveBits", "trapped: runtime.panicdivide"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
