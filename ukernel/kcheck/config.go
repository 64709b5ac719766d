package kcheck

import "slices"

// Limits of DESIGN §3 and issue 2.
const (
	DefaultStack = 8 << 10   // bytes of kernel stack per CPU
	DefaultText  = 128 << 10 // bytes of reachable code
)

// Config says what the kernel looks like. The zero value of each field stands for Aramid's.
type Config struct {
	Stack   int      // bytes of kernel stack per CPU
	Text    int      // limit of reachable code, bytes
	Arch    string   // import path of the package that may use privileged instructions
	Kernel  []string // import paths of the kernel's own packages, with all below them; main always is one
	Entry   string   // symbol to start at instead of the ELF entry (tests)
	Entries []string // further entry symbols that nothing in the image names
	Stubs   []Stubs  // entry symbols that are tables of stubs
	Crashes []string // functions that break the machine on purpose, for tests of the panic: stack, recursion and returns go unchecked
	Trap    string   // symbol of the function that overwritten trap leaves call; empty: none, leaves then end the path
}

// Stubs is an assembly symbol that holds Count entry points, Stride bytes apart, and whose address is computed with.
type Stubs struct {
	Symbol        string
	Stride, Count int
}

// Aramid is the configuration of the real kernel.
func Aramid() Config {
	const (
		arch    = "aramid/ukernel/arch/amd64"
		stride  = 16 // stubSize in arch/amd64/tables.go
		vectors = 64 // vectorCount there
	)
	return Config{Arch: arch, Trap: arch + ".banned", Stubs: []Stubs{{arch + ".vectors", stride, vectors}},
		Crashes: []string{arch + ".testDoubleFault", arch + ".testStack"}}
}

// crashes reports whether f is there to break the machine.
func (c *Config) crashes(f *Func) bool { return slices.Contains(c.Crashes, baseName(f.Name)) }

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	if c.Stack == 0 {
		c.Stack = DefaultStack
	}
	if c.Text == 0 {
		c.Text = DefaultText
	}
	if c.Arch == "" {
		c.Arch = "aramid/ukernel/arch/amd64"
	}
	if c.Kernel == nil {
		for _, name := range []string{"arch", "frame", "ipc", "ktrace", "object", "sched", "syscall", "uabi", "vm"} {
			c.Kernel = append(c.Kernel, "aramid/ukernel/"+name)
		}
	}
	return c
}
