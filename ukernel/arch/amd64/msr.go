package amd64

// Model-specific registers (SDM Vol. 4).
const (
	msrAPICBase     = 0x1b
	msrEFER         = 0xc0000080
	msrSTAR         = 0xc0000081
	msrLSTAR        = 0xc0000082
	msrSFMASK       = 0xc0000084
	msrFSBase       = 0xc0000100
	msrGSBase       = 0xc0000101
	msrKernelGSBase = 0xc0000102
	msrTSCAux       = 0xc0000103
)

// starValue: SYSCALL loads CS 0x08, SS 0x10; SYSRETQ loads CS 0x13+16 = 0x23, SS 0x13+8 = 0x1b.
const starValue = 0x0013000800000000

// syscallMask are the flags that SYSCALL clears: TF IF DF NT AC and the I/O privilege level.
const syscallMask = 1<<8 | 1<<9 | 1<<10 | 3<<12 | 1<<14 | 1<<18

// CR4 bits (SDM Vol. 3A §2.5) that are set when the processor has them. OSXSAVE and FSGSBASE stay clear.
const (
	cr4MCE  = 1 << 6 // else a machine check shuts the processor down without a word
	cr4PGE  = 1 << 7
	cr4UMIP = 1 << 11
	cr4SMEP = 1 << 20
	cr4SMAP = 1 << 21
)

// CPUID bits (SDM Vol. 2 CPUID).
const (
	cpuidFeatures    = 1
	cpuidRDRAND      = 1 << 30 // leaf 1 ECX
	cpuidMCE         = 1 << 7  // leaf 1 EDX
	cpuidPGE         = 1 << 13 // leaf 1 EDX
	cpuidExtended    = 7
	cpuidSMEP        = 1 << 7  // leaf 7 EBX
	cpuidSMAP        = 1 << 20 // leaf 7 EBX
	cpuidUMIP        = 1 << 2  // leaf 7 ECX
	cpuidMaxStandard = 0
)

var hasRDRAND bool

// Features is CPUID leaf 1, EDX.
func Features() uint32 {
	_, _, _, d := cpuid(cpuidFeatures, 0)
	return d
}

// hasTSCAux: RDTSCP is there and says which CPU runs.
var hasTSCAux bool

// numberCPU tells programs which CPU they run on, through RDTSCP (SDM Vol. 3B §18.17.2).
func numberCPU(n uint32) {
	const (
		leaf   = 0x80000001
		rdtscp = 1 << 27 // EDX
	)
	if _, _, _, d := cpuid(leaf, 0); d&rdtscp != 0 {
		wrmsr(msrTSCAux, uint64(n))
		hasTSCAux = true
	}
}

// features turns on what this CPU has of the protections, and SYSCALL.
func features() {
	cr4 := readCR4()
	_, _, c, d := cpuid(cpuidFeatures, 0)
	hasRDRAND = c&cpuidRDRAND != 0
	if d&cpuidMCE != 0 {
		cr4 |= cr4MCE
	}
	if d&cpuidPGE != 0 {
		cr4 |= cr4PGE
	}
	if leaves, _, _, _ := cpuid(cpuidMaxStandard, 0); leaves >= cpuidExtended {
		_, b, c, _ := cpuid(cpuidExtended, 0)
		if b&cpuidSMEP != 0 {
			cr4 |= cr4SMEP
		}
		if b&cpuidSMAP != 0 {
			cr4 |= cr4SMAP
		}
		if c&cpuidUMIP != 0 {
			cr4 |= cr4UMIP
		}
	}
	writeCR4(cr4)
	wrmsr(msrSTAR, starValue)
	wrmsr(msrLSTAR, syscallPC)
	wrmsr(msrSFMASK, syscallMask)
	wrmsr(msrFSBase, 0)
	wrmsr(msrKernelGSBase, 0)
}
