package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"

	"aramid/ukernel/arch/hw"
)

func TestFilesOfTheArchiveLieOnPageBoundariesAndComeBackWhole(t *testing.T) {
	files := []File{{Name: "rootd", Data: bytes.Repeat([]byte("r"), 5000)}, {Name: "empty", Data: []byte{}},
		{Name: "mmd", Data: []byte("m")}, {Name: string(bytes.Repeat([]byte("n"), 4000)), Data: []byte("long name")}}
	a, err := Archive(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(a)%hw.PageSize != 0 {
		t.Fatalf("%d bytes are not whole pages", len(a))
	}
	r := cpio.Newc.Reader(bytes.NewReader(a))
	for _, f := range files {
		rec, err := r.ReadRecord()
		if err != nil {
			t.Fatal(err)
		}
		if name, _, _ := bytes.Cut([]byte(rec.Name), []byte{0}); string(name) != f.Name {
			t.Fatalf("name %q, want %q", name, f.Name)
		}
		if rec.FilePos%hw.PageSize != 0 || rec.FileSize != uint64(len(f.Data)) || !bytes.Equal(a[rec.FilePos:][:rec.FileSize], f.Data) {
			t.Fatalf("%.10s: %d bytes at %#x are not its data on a page boundary", f.Name, rec.FileSize, rec.FilePos)
		}
	}
}

func TestArchiveNamesMustBeUniqueAndPlain(t *testing.T) {
	for _, names := range [][]string{{""}, {"a", "a"}, {"a\x00b"}} {
		var files []File
		for _, n := range names {
			files = append(files, File{Name: n, Data: []byte{1}})
		}
		if _, err := Archive(files); err == nil {
			t.Errorf("%q is accepted", names)
		}
	}
}

func TestOnlyReadsOfGAreTurnedToGS(t *testing.T) {
	read := []byte{0x64, 0x4c, 0x8b, 0x34, 0x25, 0xf8, 0xff, 0xff, 0xff}
	other := []byte{0x64, 0x4c, 0x8b, 0x34, 0x25, 0xf0, 0xff, 0xff, 0xff}
	k := &kernel{textStart: hw.KernelVirtual + hw.KernelBase, textEnd: hw.KernelVirtual + hw.KernelBase + 18,
		segments: []segment{{base: hw.KernelBase, data: append(append([]byte{}, read...), other...), size: 18}}}
	if n := k.patchTLS(); n != 1 {
		t.Fatalf("%d places", n)
	}
	d := k.segments[0].data
	if d[0] != 0x65 || d[9] != 0x64 {
		t.Fatalf("% x", d)
	}
}

func TestNoPageOfTheKernelIsWritableAndExecutable(t *testing.T) {
	k := &kernel{end: hw.KernelBase + 0x5000, segments: []segment{
		{base: hw.KernelBase, size: 0x1800, flags: elf.PF_R | elf.PF_X},
		{base: hw.KernelBase + 0x2000, size: 0x1000, flags: elf.PF_R},
		{base: hw.KernelBase + 0x3000, size: 0x2000, flags: elf.PF_R | elf.PF_W}}}
	var h hw.ImageHeader
	b, err := bootSegment(&h, k)
	if err != nil {
		t.Fatal(err)
	}
	pt := func(i int) uint64 { return binary.LittleEndian.Uint64(b[hw.OffKernelPT+8*i:]) }
	for i := range 512 {
		e := pt(i)
		if e&hw.PTEPresent != 0 && e&hw.PTEWrite != 0 && e&hw.PTENoExec == 0 {
			t.Errorf("page %d: %#x", i, e)
		}
		if want := i < 5; want != (e&hw.PTEPresent != 0) {
			t.Errorf("page %d: present %v", i, !want)
		}
		if e&hw.PTEUser != 0 {
			t.Errorf("page %d is the user's", i)
		}
	}
	if binary.LittleEndian.Uint64(b[hw.OffKernelPML4:]) != 0 {
		t.Error("the kernel's root maps address 0")
	}
	k.segments[0].flags |= elf.PF_W
	if _, err := bootSegment(&h, k); err == nil {
		t.Error("a writable and executable segment is accepted")
	}
}

func TestWhatIsNoKernelIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("no ELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, exe, filepath.Join(t.TempDir(), "absent")} {
		if err := Build(Options{Kernel: p, Output: out}); err == nil {
			t.Errorf("%s is accepted", p)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s left an image", p)
		}
	}
}

func TestAStackCheckIsKnownInEachOfItsForms(t *testing.T) {
	for _, c := range []struct {
		code string
		want int
	}{
		{"\x49\x3b\x66\x10\x76\x20", 6},
		{"\x49\x3b\x66\x10\x0f\x86\x00\x01\x00\x00", 10},
		{"\x4c\x8d\x64\x24\xf0\x4d\x3b\x66\x10\x76\x20", 11},
		{"\x4c\x8d\xa4\x24\x00\xff\xff\xff\x4d\x3b\x66\x10\x0f\x86\x00\x01\x00\x00", 18},
		{"\x49\x3b\x66\x18\x76\x20", 0},             // stackguard1
		{"\x4c\x8d\x64\x24\xf0\x49\x3b\x66\x10", 0}, // LEAQ, but not for the check
		{"\x49\x3b\x66\x10\x77\x20", 0},             // JA
		{"\x49\x3b\x66\x10", 0},
		{"\x4c\x8d\x64\x24", 0},
		{"", 0},
	} {
		if got := checkLen([]byte(c.code)); got != c.want {
			t.Errorf("% x: %d, want %d", c.code, got, c.want)
		}
	}
}
