package kcheck

import "strings"

// verdict says what a function may be used for in ring 0.
type verdict uint8

const (
	ordinary  verdict = iota // may run; is checked like the kernel's own code
	trapLeaf                 // may be called; boot/image overwrites its start with a CALL of the kernel's trap function
	forbidden                // must not be reachable
)

// freestanding lists the packages whose functions may run in ring 0 because they need no runtime state. They are checked
// like kernel code, so that a change in the toolchain cannot slip in.
var freestanding = map[string]bool{
	"internal/bytealg":         true,
	"internal/byteorder":       true,
	"internal/runtime/atomic":  true,
	"internal/runtime/math":    true,
	"internal/runtime/sys":     true,
	"internal/goarch":          true,
	"math/bits":                true,
	"sync/atomic":              true,
	"cmp":                      true,
	"encoding/binary":          true,
	"unicode/utf8":             true,
	"internal/abi":             true,
	"internal/stringslite":     true,
	"internal/runtime/strconv": true,
}

// runtimeOrdinary lists the functions of package runtime that may run: memory and comparison primitives that the compiler calls.
var runtimeOrdinary = map[string]bool{
	"runtime.cmpstring": true, "runtime.duffcopy": true, "runtime.duffzero": true, "runtime.memclrNoHeapPointers": true,
	"runtime.memequal": true, "runtime.memequal0": true, "runtime.memequal8": true, "runtime.memequal16": true,
	"runtime.memequal32": true, "runtime.memequal64": true, "runtime.memequal128": true, "runtime.memequal_varlen": true,
	"runtime.memmove": true, "runtime.strequal": true, "runtime.procyieldAsm": true,
}

// runtimeTraps lists what compiled Go calls when a check fails. None of them returns; boot/image turns each into a trap that the
// kernel's panic names by its return address. (morestack does return in a started runtime. In ring 0 the stack cannot grow.)
var runtimeTraps = map[string]bool{
	"runtime.gopanic": true, "runtime.goPanicExtendIndex": true, "runtime.morestack": true, "runtime.morestack_noctxt": true,
	"runtime.panicBounds": true, "runtime.panicExtend": true, "runtime.panicSimdImm": true,
	"runtime.panicdivide": true, "runtime.panicdottypeE": true, "runtime.panicdottypeI": true, "runtime.panicfloat": true,
	"runtime.panicmem": true, "runtime.panicmemAddr": true, "runtime.panicnildottype": true, "runtime.panicoverflow": true,
	"runtime.panicrangestate": true, "runtime.panicshift": true, "runtime.panicunsafealignment": true,
	"runtime.panicunsafeslicelen": true, "runtime.panicunsafeslicenilptr": true, "runtime.panicunsafestringlen": true,
	"runtime.panicunsafestringnilptr": true, "runtime.panicwrap": true, "runtime.sigpanic": true, "runtime.sigpanic0": true,
	"runtime.panicSliceConvert": true, "runtime.abort": true, "runtime.unreachableMethod": true,
}

// endless lists forbidden functions that never return, so that what follows a call of them is not taken for code.
var endless = map[string]bool{"runtime.block": true, "runtime.throw": true, "runtime.fatal": true, "runtime.goexit1": true,
	"internal/runtime/cgroup.throw": true}

// reasons names what a forbidden function stands for, by prefix of its symbol; the first match counts.
var reasons = []struct{ prefix, what string }{
	{"runtime.newproc", "go statement"},
	{"runtime.newobject", "allocates (new, or a variable that escapes)"},
	{"runtime.makeslice", "allocates (make)"},
	{"runtime.growslice", "allocates (append that may grow)"},
	{"runtime.malloc", "allocates"},
	{"runtime.newarray", "allocates"},
	{"runtime.makemap", "map"},
	{"runtime.map", "map"},
	{"internal/runtime/maps.", "map"},
	{"runtime.rand", "map"},
	{"runtime.makechan", "channel"},
	{"runtime.chan", "channel"},
	{"runtime.closechan", "channel"},
	{"runtime.select", "channel"},
	{"runtime.block", "channel"},
	{"runtime.gopark", "scheduler"},
	{"runtime.goready", "scheduler"},
	{"runtime.schedule", "scheduler"},
	{"runtime.mcall", "scheduler"},
	{"runtime.systemstack", "scheduler"},
	{"runtime.Gosched", "scheduler"},
	{"runtime.defer", "defer"},
	{"runtime.gorecover", "recover"},
	{"runtime.concat", "string concatenation"},
	{"runtime.slicebytetostring", "allocating conversion"},
	{"runtime.stringtoslice", "allocating conversion"},
	{"runtime.intstring", "allocating conversion"},
	{"runtime.slicerunetostring", "allocating conversion"},
	{"runtime.conv", "allocating conversion to an interface"},
	{"runtime.typeAssert", "type assertion to an interface"},
	{"runtime.interfaceSwitch", "type switch over interfaces"},
	{"runtime.assertE2I", "type assertion to an interface"},
	{"runtime.gcWriteBarrier", "write barrier"},
	{"runtime.wb", "write barrier"},
	{"runtime.typedmemmove", "write barrier"},
	{"runtime.typedslicecopy", "write barrier"},
	{"runtime.bulkBarrier", "write barrier"},
	{"runtime.print", "print of the runtime"},
	{"runtime.efaceeq", "comparison of interfaces"},
	{"runtime.ifaceeq", "comparison of interfaces"},
}

// policy gives the verdict on a function, and for forbidden ones the reason.
func (c *Config) policy(f *Func) (verdict, string) {
	name := baseName(f.Name)
	switch {
	case c.isKernel(f.Pkg), freestanding[f.Pkg], runtimeOrdinary[name]:
		return ordinary, ""
	case runtimeTraps[name]:
		return trapLeaf, ""
	case f.Pkg == "" && strings.HasPrefix(name, "type:.eq."): // generated comparisons
		return ordinary, ""
	}
	for _, r := range reasons {
		if strings.HasPrefix(name, r.prefix) {
			return forbidden, r.what
		}
	}
	if isRuntime(f.Pkg) {
		return forbidden, "not on the list of runtime functions that may run in ring 0"
	}
	return forbidden, "package is not part of the kernel"
}

// isKernel reports whether a package is the kernel's own.
func (c *Config) isKernel(pkg string) bool {
	if pkg == "main" {
		return true
	}
	for _, p := range c.Kernel {
		if pkg == p || strings.HasPrefix(pkg, p+"/") {
			return true
		}
	}
	return false
}

// isArch reports whether a package may use privileged instructions and switch stacks.
func (c *Config) isArch(pkg string) bool { return pkg == c.Arch }

// isRuntime reports whether a package is the Go runtime or one of its parts. Only its variables may decide branches.
func isRuntime(pkg string) bool {
	return pkg == "runtime" || strings.HasPrefix(pkg, "runtime/") || strings.HasPrefix(pkg, "internal/")
}

// baseName drops the calling convention that the linker appends.
func baseName(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".abi0"), ".abiinternal")
}

// opaque reports whether the pointers to code in a piece of static data are out of kernel code's reach: type descriptors,
// whose only code pointers are equality functions called by the forbidden runtime; the method tables of itabs, which calls
// resolve one by one; and the runtime's line and module tables.
func opaque(name string) bool {
	for _, prefix := range []string{"type:", "go:itab.", "runtime.types", "runtime.firstmoduledata", "runtime.pclntab", "runtime.itablink",
		"runtime.findfunctab", "runtime.gcbits", "go:string.", "go:main.inittasks", "runtime.buildVersion"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
