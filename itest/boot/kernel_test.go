package boot

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"aramid/boot/image"
)

// real links the kernel and firstd once, for those tests that need them.
var real = sync.OnceValues(func() (r struct{ kernel, first string }, err error) {
	dir := filepath.Dir(tinyKernel)
	r.kernel, r.first = filepath.Join(dir, "kernel.elf"), filepath.Join(dir, "firstd")
	if err = image.LinkKernel("../..", "./ukernel/main", r.kernel); err == nil {
		err = image.LinkServer("../..", "./itest/boot/firstd", r.first)
	}
	return r, err
})

// realImage builds an image of the real kernel, proven by kcheck and with all that cannot run overwritten.
func realImage(t *testing.T, files ...image.File) string {
	t.Helper()
	r, err := real()
	if err != nil {
		t.Fatal(err)
	}
	if files == nil {
		files = []image.File{{Name: "rootd", Path: r.first}}
	}
	o := image.Options{Kernel: r.kernel, Files: files, Output: filepath.Join(t.TempDir(), "aramid.img"), Verify: true}
	if err := image.Build(o); err != nil {
		t.Fatal(err)
	}
	return o.Output
}

func TestAPlainGoProgramRunsAsFirstProcessOnEveryMachine(t *testing.T) {
	img := realImage(t)
	for _, m := range []machine{
		{kind: "pc", cpu: "max", cpus: 1, mib: 256},
		{kind: "q35", cpu: "max", cpus: 2, mib: 256},
		{kind: "pc", cpu: "qemu64", cpus: 4, mib: 512},
		{kind: "q35", cpu: "qemu64", cpus: 1, mib: 4096},
		{kind: "pc", cpu: "max", cpus: 4, mib: 4096},
	} {
		t.Run(fmt.Sprintf("%s %s %d CPUs %d MiB", m.kind, m.cpu, m.cpus, m.mib), func(t *testing.T) {
			m.image = img
			m.boot(t).expect(t, 0, fmt.Sprintf(`^ukernel: %d CPUs, %d MiB, \d+ ms$`, m.cpus, m.mib-1), "firstd: goroutines", "firstd: garbage collection",
				"firstd: nil dereference recovered", "firstd: preemption", "firstd: timers", fmt.Sprintf(`firstd: %d CPUs, \d+ of \d+ frames free`, m.cpus))
		})
	}
}

func TestCallPanicGivesTheReportOfItsKind(t *testing.T) {
	img := realImage(t)
	for kind, cause := range []string{"asked for by CallPanic", "NMI", "double fault", "page fault in ring 0", "kernel stack overflow"} {
		t.Run(cause, func(t *testing.T) {
			machine{image: img, cpus: 2, words: fmt.Sprintf("aramid.panic=%d", kind)}.boot(t).expect(t, 101,
				`^ukernel: panic on CPU \d: `+cause, "RIP", `syscall.Enter .*enter.go:\d+`, `amd64.syscallEntry .*entry_amd64.s:\d+`, "CPU . stopped at")
		})
	}
}

func TestAnUnknownWordOnTheCommandLineEndsTheBoot(t *testing.T) {
	machine{image: realImage(t), words: "log=com1 cpus=1 quitely"}.boot(t).expect(t, 3, "^ukernel: unknown word on the command line: quitely$")
}

func TestAnArchiveWithoutAGoodRootdEndsTheBoot(t *testing.T) {
	img := realImage(t, image.File{Name: "note", Data: []byte("no rootd here")})
	machine{image: img}.boot(t).expect(t, 2, "^ukernel: .*rootd")
	img = realImage(t, image.File{Name: "rootd", Data: []byte("no program")})
	machine{image: img}.boot(t).expect(t, 2, "^ukernel: .*rootd")
}
