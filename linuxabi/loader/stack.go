package loader

// Auxiliary vector types (linux/auxvec.h).
const (
	atNull      = 0
	atPhdr      = 3
	atPhent     = 4
	atPhnum     = 5
	atPagesz    = 6
	atBase      = 7
	atFlags     = 8
	atEntry     = 9
	atUID       = 11
	atEUID      = 12
	atGID       = 13
	atEGID      = 14
	atPlatform  = 15
	atHWCap     = 16
	atClktck    = 17
	atSecure    = 23
	atRandom    = 25
	atHWCap2    = 26
	atExecfn    = 31
	atSysinfo   = 33 // AT_SYSINFO_EHDR
	atMinSigstk = 51
)

const (
	clockTicks = 100
	// MinSigStack is the space a signal frame takes with FXSAVE state (AT_MINSIGSTKSZ).
	MinSigStack = 1440
	platform    = "x86_64"
	randomBytes = 16
)

// Start describes a fresh process for its initial stack.
type Start struct {
	Argv, Envp           []string
	ExecFn               string
	Phdr, PhdrCount      uint64 // after relocation
	Base                 uint64 // of the interpreter; 0 when static
	Entry                uint64 // of the program itself
	VDSO                 uint64 // 0: none
	UID, EUID, GID, EGID uint32
	Secure               bool
	Random               [randomBytes]byte
	HWCap                uint64 // CPUID's features (leaf 1, EDX)

	// Stack sets where the strings lie.
	ArgStart, ArgEnd, EnvStart, EnvEnd uint64
}

// StackSize is an upper bound of the bytes that Stack will need.
func (s *Start) StackSize() int {
	n := len(s.ExecFn) + len(platform) + randomBytes + 512 + 8*(len(s.Argv)+len(s.Envp))
	for _, v := range [2][]string{s.Argv, s.Envp} {
		for _, a := range v {
			n += len(a) + 1
		}
	}
	return n
}

// Stack lays the initial stack out so that it ends at top (exclusive, a multiple of 16). It returns the bytes and
// the stack pointer, which is the address of the first of them and a multiple of 16.
func (s *Start) Stack(top uint64) (b []byte, sp uint64) {
	var strs []byte
	place := func(v []byte) int {
		strs = append(strs, v...)
		return len(strs) - len(v)
	}
	text := func(v string) int { return place(append([]byte(v), 0)) }
	argv, envp := make([]int, len(s.Argv)), make([]int, len(s.Envp))
	for i, a := range s.Argv {
		argv[i] = text(a)
	}
	args := len(strs)
	for i, a := range s.Envp {
		envp[i] = text(a)
	}
	envs := len(strs)
	execFn, plat, random := text(s.ExecFn), text(platform), place(s.Random[:])
	strBase := (top - 8 - uint64(len(strs))) &^ 15

	s.ArgStart, s.ArgEnd, s.EnvStart, s.EnvEnd = strBase, strBase+uint64(args), strBase+uint64(args), strBase+uint64(envs)
	aux := s.auxv(strBase+uint64(random), strBase+uint64(execFn), strBase+uint64(plat))
	words := 1 + len(argv) + 1 + len(envp) + 1 + len(aux)
	sp = (strBase - uint64(words)*8) &^ 15

	b = make([]byte, top-sp)
	w := b
	put := func(v uint64) { le.PutUint64(w, v); w = w[8:] }
	put(uint64(len(argv)))
	for _, o := range argv {
		put(strBase + uint64(o))
	}
	put(0)
	for _, o := range envp {
		put(strBase + uint64(o))
	}
	put(0)
	for _, v := range aux {
		put(v)
	}
	copy(b[strBase-sp:], strs)
	return b, sp
}

func (s *Start) auxv(random, execFn, plat uint64) []uint64 {
	secure := uint64(0)
	if s.Secure {
		secure = 1
	}
	var v []uint64
	if s.VDSO != 0 {
		v = append(v, atSysinfo, s.VDSO)
	}
	// In Linux's order (create_elf_tables). HWCAP2 has no bit: RDFSBASE and its like are not for programs here.
	v = append(v, atMinSigstk, MinSigStack, atHWCap, s.HWCap, atPagesz, pageSize, atClktck, clockTicks,
		atPhdr, s.Phdr, atPhent, phdrSize, atPhnum, s.PhdrCount, atBase, s.Base, atFlags, 0, atEntry, s.Entry,
		atUID, uint64(s.UID), atEUID, uint64(s.EUID), atGID, uint64(s.GID), atEGID, uint64(s.EGID),
		atSecure, secure, atRandom, random, atHWCap2, 0, atExecfn, execFn, atPlatform, plat)
	return append(v, atNull, 0)
}
