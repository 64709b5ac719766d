// Package cpuid says what the processor is, for /proc/cpuinfo (Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E).
package cpuid

import "strings"

func query(leaf, sub uint32) (a, b, c, d uint32)

// CPU is one processor.
type CPU struct {
	Vendor, Name            string
	Family, Model, Stepping uint32
	MaxLeaf                 uint32
	PhysBits, VirtBits      uint32
	Flags                   []string // as Linux names them; only what programs may use here
}

// Leaves.
const (
	leafVendor   = 0
	leafFeatures = 1
	leafExtended = 7
	leafMaxExt   = 0x80000000
	leafAMD      = 0x80000001
	leafName     = 0x80000002
	leafSizes    = 0x80000008
)

// Read asks this processor.
func Read() (p CPU) {
	var b, c, d uint32
	p.MaxLeaf, b, c, d = query(leafVendor, 0)
	p.Vendor = words(b, d, c)
	a, _, c, d := query(leafFeatures, 0)
	p.identify(a)
	p.add(d, flags1D)
	maxExt, _, _, _ := query(leafMaxExt, 0)
	if maxExt >= leafAMD {
		_, _, ac, ad := query(leafAMD, 0)
		p.add(ad, flagsAMDD)
		p.add(c, flags1C)
		p.add(ac, flagsAMDC)
	} else {
		p.add(c, flags1C)
	}
	if p.MaxLeaf >= leafExtended {
		_, b, _, _ := query(leafExtended, 0)
		p.add(b, flags7B)
	}
	if maxExt >= leafName+2 {
		for i := range uint32(3) {
			a, b, c, d := query(leafName+i, 0)
			p.Name += words(a, b, c, d)
		}
		p.Name = strings.TrimSpace(strings.TrimRight(p.Name, "\x00"))
	}
	if maxExt >= leafSizes {
		a, _, _, _ := query(leafSizes, 0)
		p.PhysBits, p.VirtBits = a&0xff, a>>8&0xff
	}
	return p
}

// identify takes family, model and stepping apart.
func (p *CPU) identify(a uint32) {
	p.Stepping, p.Model, p.Family = a&0xf, a>>4&0xf, a>>8&0xf
	if p.Family == 0xf {
		p.Family += a >> 20 & 0xff
	}
	if p.Family >= 6 {
		p.Model += a >> 16 & 0xf << 4
	}
}

func (p *CPU) add(bits uint32, names [32]string) {
	for i, name := range names {
		if name != "" && bits&(1<<i) != 0 {
			p.Flags = append(p.Flags, name)
		}
	}
}

// words spells registers as text.
func words(regs ...uint32) string {
	var b []byte
	for _, r := range regs {
		b = append(b, byte(r), byte(r>>8), byte(r>>16), byte(r>>24))
	}
	return string(b)
}

// Names of feature bits (Linux's arch/x86/include/asm/cpufeatures.h). What needs state that the kernel does not save (AVX and its
// like, XSAVE, protection keys) or a privilege that it does not give is left out.
var (
	flags1D = [32]string{
		0: "fpu", 3: "pse", 4: "tsc", 5: "msr", 6: "pae", 8: "cx8", 9: "apic", 11: "sep", 13: "pge", 15: "cmov", 16: "pat", 17: "pse36",
		19: "clflush", 23: "mmx", 24: "fxsr", 25: "sse", 26: "sse2", 28: "ht",
	}
	flags1C = [32]string{
		0: "pni", 1: "pclmulqdq", 9: "ssse3", 13: "cx16", 19: "sse4_1", 20: "sse4_2", 21: "x2apic", 22: "movbe", 23: "popcnt",
		25: "aes", 30: "rdrand", 31: "hypervisor",
	}
	flagsAMDD = [32]string{11: "syscall", 20: "nx", 22: "mmxext", 26: "pdpe1gb", 27: "rdtscp", 29: "lm", 30: "3dnowext", 31: "3dnow"}
	flagsAMDC = [32]string{0: "lahf_lm", 4: "cr8_legacy", 5: "abm", 6: "sse4a", 8: "3dnowprefetch"}
	flags7B   = [32]string{3: "bmi1", 7: "smep", 8: "bmi2", 9: "erms", 18: "rdseed", 19: "adx", 20: "smap", 23: "clflushopt", 24: "clwb", 29: "sha_ni"}
)
