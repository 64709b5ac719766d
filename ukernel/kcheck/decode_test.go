package kcheck

import (
	"encoding/hex"
	"testing"

	"golang.org/x/arch/x86/x86asm"
	"pgregory.net/rapid"
)

// Encodings from the SDM (Vol. 2) and, for those marked, checked against GNU objdump.
var encodings = []struct {
	code       string
	name       string
	len        int
	privileged bool
	vector     bool
}{
	{"f30f1efa", "ENDBR", 4, false, false},
	{"f30f1efb", "ENDBR", 4, false, false},
	{"0f01cb", "STAC", 3, true, false},
	{"0f01ca", "CLAC", 3, true, false},
	{"0f01c1", "VMCALL", 3, true, false},
	{"0f01ef", "WRPKRU", 3, false, false},
	{"0f01ee", "RDPKRU", 3, false, false},
	{"0f01f8", "SWAPGS", 3, true, false},
	{"0f01f9", "RDTSCP", 3, false, false},
	{"0f01d0", "XGETBV", 3, false, false},
	{"0f01d1", "XSETBV", 3, true, false},
	{"0fc7f8", "RDSEED", 3, false, false},
	{"480fc7f8", "RDSEED", 4, false, false},
	{"0fc7f0", "RDRAND", 3, false, false},
	{"490fc7f4", "RDRAND", 4, false, false},
	{"f30fc7f8", "RDPID", 4, false, false},
	{"660f38f6c1", "ADCX", 5, false, false},
	{"f3480f38f6c1", "ADOX", 6, false, false},
	{"660f38f60425f8ffffff", "ADCX", 10, false, false},
	{"660fae30", "CLWB", 4, false, false},
	{"660fae7808", "CLFLUSHOPT", 5, false, false},
	{"660faef1", "TPAUSE", 4, false, false},
	{"660f388208", "INVPCID", 5, true, false},
	{"660f38828c2400010000", "INVPCID", 10, true, false},
	{"0f0118", "LIDT", 3, true, false},
	{"0f0110", "LGDT", 3, true, false},
	{"0f0138", "INVLPG", 3, true, false},
	{"0f01f0", "LMSW", 3, true, false},
	{"0f00d8", "LTR", 3, true, false},
	{"0f06", "CLTS", 2, true, false},
	{"0f09", "WBINVD", 2, true, false},
	{"0f30", "WRMSR", 2, true, false},
	{"0f32", "RDMSR", 2, true, false},
	{"0f22d8", "MOV", 3, true, false},
	{"0f20d8", "MOV", 3, true, false},
	{"0f23f8", "MOV", 3, true, false},
	{"480f07", "SYSRET", 3, true, false},
	{"48cf", "IRETQ", 2, true, false},
	{"fa", "CLI", 1, true, false},
	{"fb", "STI", 1, true, false},
	{"f4", "HLT", 1, true, false},
	{"ec", "IN", 1, true, false},
	{"66ed", "IN", 2, true, false},
	{"e6f4", "OUT", 2, true, false},
	{"f36e", "OUTSB", 2, true, false},
	{"cc", "INT", 1, false, false},
	{"cd80", "INT", 2, true, false},
	{"0f05", "SYSCALL", 2, true, false},
	{"8ed8", "MOV", 2, true, false},
	{"f3480faec0", "", 5, true, false}, // RDFSBASE
	{"90", "NOP", 1, false, false},
	{"0f1f440000", "NOP", 5, false, false},
	{"0f31", "RDTSC", 2, false, false},
	{"0fa2", "CPUID", 2, false, false},
	{"480fae00", "FXSAVE64", 4, false, false},
	{"c5f877", "VZEROUPPER", 3, false, true},
	{"c5fe6f26", "VMOVDQU", 4, false, true},
	{"c5fe7f6420e0", "VMOVDQU", 6, false, true},
	{"c4e27d5804250000000a", "VPBROADCASTD", 10, false, true},
	{"c4e37d39c101", "VEXTRACTI128", 6, false, true},
	{"c5f973d008", "VPSRLQ", 5, false, true},
	{"62f17c4810442401", "VMOVUPS", 8, false, true},
	{"64c5f877", "", 4, false, true},
}

func TestInstructionsThatX86asmGetsWrongAreNamedAndMeasured(t *testing.T) {
	for _, e := range encodings {
		code, err := hex.DecodeString(e.code)
		if err != nil {
			t.Fatal(err)
		}
		in, err := decode(append(code, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90), 0)
		if err != nil {
			if e.name != "" {
				t.Errorf("%s %s: %v", e.code, e.name, err)
			}
			continue
		}
		if e.name != "" && in.Name != e.name || in.Len != e.len || in.Privileged != e.privileged || in.Vector != e.vector {
			t.Errorf("%s: %s, %d bytes, privileged %v, vector %v; want %s, %d, %v, %v",
				e.code, in.Name, in.Len, in.Privileged, in.Vector, e.name, e.len, e.privileged, e.vector)
		}
	}
}

// Whatever x86asm takes for a privileged instruction must be one here, wherever its prefixes are.
var privilegedOps = map[x86asm.Op]bool{
	x86asm.CLI: true, x86asm.STI: true, x86asm.HLT: true, x86asm.IN: true, x86asm.OUT: true, x86asm.INSB: true, x86asm.INSD: true,
	x86asm.INSW: true, x86asm.OUTSB: true, x86asm.OUTSD: true, x86asm.OUTSW: true, x86asm.WRMSR: true, x86asm.RDMSR: true, x86asm.LGDT: true,
	x86asm.LIDT: true, x86asm.LLDT: true, x86asm.LTR: true, x86asm.INVLPG: true, x86asm.SWAPGS: true, x86asm.IRET: true, x86asm.IRETD: true,
	x86asm.IRETQ: true, x86asm.SYSRET: true, x86asm.SYSEXIT: true, x86asm.INVPCID: true, x86asm.XSETBV: true, x86asm.WBINVD: true,
	x86asm.INVD: true, x86asm.CLTS: true, x86asm.LMSW: true, x86asm.RDPMC: true, x86asm.SYSCALL: true, x86asm.SYSENTER: true,
	x86asm.SGDT: true, x86asm.SIDT: true, x86asm.SLDT: true, x86asm.STR: true, x86asm.SMSW: true, x86asm.LRET: true, x86asm.LJMP: true,
	x86asm.LCALL: true, x86asm.POPFQ: true, x86asm.POPF: true,
}

func TestDecodingAgreesWithX86asmWhereThatIsRight(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"", "\x48", "\x66", "\xf3", "\xf2", "\x0f", "\x0f\x01", "\x66\x0f", "\x48\x0f", "\xf0"}).Draw(t, "prefix")
		code := append([]byte(prefix), rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "code")...)
		in, err := decode(code, 0)
		if err != nil || in.Shim {
			return
		}
		x, xerr := x86asm.Decode(code, 64)
		if xerr != nil || x.Len != in.Len || x.Op != in.Op {
			t.Fatalf("% x: %v %d, x86asm %v %d %v", code, in.Name, in.Len, x.Op, x.Len, xerr)
		}
		if privilegedOps[x.Op] && !in.Privileged {
			t.Fatalf("% x: %v is not taken for privileged", code, x.Op)
		}
		if cr, ok := x.Args[0].(x86asm.Reg); x.Op == x86asm.MOV && ok && cr >= x86asm.CR0 && cr <= x86asm.DR15 && !in.Privileged {
			t.Fatalf("% x: %v is not taken for privileged", code, x)
		}
		seen++
	})
	if seen == 0 {
		t.Error("nothing was decoded")
	}
}
