package cpuid

import (
	"slices"
	"testing"
)

func TestThisProcessorIsDescribed(t *testing.T) {
	p := Read()
	if len(p.Vendor) != 12 || p.Family == 0 {
		t.Errorf("%+v", p)
	}
	for _, f := range []string{"fpu", "sse2", "lm", "syscall", "nx"} {
		if !slices.Contains(p.Flags, f) {
			t.Errorf("no %s in %v", f, p.Flags)
		}
	}
	for _, f := range p.Flags {
		if f == "avx" || f == "xsave" || f == "avx2" {
			t.Errorf("%s is told, and nobody saves its state", f)
		}
	}
}

func TestFamilyAndModel(t *testing.T) {
	var p CPU
	p.identify(0x00a20f12)
	if p.Family != 25 || p.Model != 0x21 || p.Stepping != 2 {
		t.Errorf("%+v", p)
	}
}
