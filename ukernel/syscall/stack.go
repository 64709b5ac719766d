package syscall

import "aramid/ukernel/uabi"

// A new image's stack: StackSize bytes below stackTop, with an inaccessible page below. Anonymous: frames come when touched.
const (
	stackTop  = 0x7ffffffe0000
	stackSize = 256 << 10
	stackLow  = stackTop - stackSize
)

// Limits of what a new image is given, bytes: arguments and environment together, and the finished top of the stack.
const (
	maxArgs       = 32 << 10
	maxArgStrings = 1024
	stackScratch  = maxArgs + 8*maxArgStrings + 1024
)

// Auxiliary vector tags (getauxval(3)).
const (
	atNull   = 0
	atPhdr   = 3
	atPhent  = 4
	atPhnum  = 5
	atPagesz = 6
	atBase   = 7
	atFlags  = 8
	atEntry  = 9
	atUID    = 11
	atEUID   = 12
	atGID    = 13
	atEGID   = 14
	atClktck = 17
	atSecure = 23
	atRandom = 25
	atExecfn = 31

	clockTicks  = 100
	randomBytes = 16
	auxPairs    = 16
	wordSize    = 8
	stackAlign  = 16
)

// buildStack lays out what a new image finds at its stack pointer (System V ABI, AMD64 supplement, figure 3.9): argc, argv,
// envp, auxv, then the strings. args holds NUL-terminated strings: argv, an empty one, then the environment; name stands in
// when args is empty. The bytes are put at the end of buf, whose end is address top. sp is where the stack starts.
func buildStack(buf []byte, top uint64, args, name []byte, p *imagePlan, random *[randomBytes]byte) (sp uint64, err uabi.Error) {
	argc, envc, err := countArgs(args)
	if err != uabi.OK {
		return 0, err
	}
	strs := uint64(len(args))
	if argc == 0 {
		argc, strs = 1, strs+uint64(len(name))+1
	}
	words := 1 + uint64(argc) + 1 + uint64(envc) + 1 + 2*auxPairs
	size := uint64(len(buf))
	need := strs + randomBytes + wordSize*words + 2*stackAlign
	if need > size {
		return 0, uabi.ErrTooBig
	}
	base := top - size
	w := stackWriter{buf: buf, base: base, at: (top - strs - randomBytes - wordSize*words) &^ (stackAlign - 1)}
	sp = w.at
	strAt := top - strs
	randomAt := strAt - randomBytes
	w.put(randomAt, random[:])
	w.word(uint64(argc))
	first := strAt
	if len(args) == 0 || args[0] == 0 { // no argv: the name is argv[0]
		w.word(strAt)
		w.put(strAt, name)
		strAt += uint64(len(name)) + 1
		w.put(strAt-1, zeroPage[:1])
	}
	w.put(strAt, args)
	args, strAt = w.strings(args, strAt)
	_, _ = w.strings(args, strAt)
	w.aux(p, randomAt, first)
	return sp, uabi.OK
}

// countArgs counts the strings before and behind the empty one, and checks the limits.
func countArgs(args []byte) (argc, envc int, err uabi.Error) {
	if len(args) > maxArgs {
		return 0, 0, uabi.ErrTooBig
	}
	if len(args) > 0 && args[len(args)-1] != 0 {
		return 0, 0, uabi.ErrArg
	}
	env, start := false, 0
	for i, c := range args {
		if c != 0 {
			continue
		}
		switch {
		case i == start && env: // a second empty string ends the environment
			return argc, envc, uabi.OK
		case i == start:
			env = true
		case env:
			envc++
		default:
			argc++
		}
		start = i + 1
		if argc+envc > maxArgStrings {
			return 0, 0, uabi.ErrTooBig
		}
	}
	return argc, envc, uabi.OK
}

// stackWriter appends words to the stack image; at is the next word's address.
type stackWriter struct {
	buf      []byte
	base, at uint64
}

// word is called, not inlined, as pair and put: code is counted.
//
//go:noinline
func (w *stackWriter) word(v uint64) {
	put64(w.buf[w.at-w.base:], v)
	w.at += wordSize
}

// put copies b to address at.
//
//go:noinline
func (w *stackWriter) put(at uint64, b []byte) { copy(w.buf[at-w.base:], b) }

// strings writes a pointer for each string of b, whose first byte lies at address va, up to an empty one, then a null
// pointer. It returns what lies behind the empty string, and its address.
func (w *stackWriter) strings(b []byte, va uint64) (rest []byte, restVA uint64) {
	start := 0
	for i, c := range b {
		if c != 0 {
			continue
		}
		if i == start {
			w.word(0)
			return b[i+1:], va + uint64(i) + 1
		}
		w.word(va + uint64(start))
		start = i + 1
	}
	w.word(0)
	return b[len(b):], va + uint64(len(b))
}

// aux writes the auxiliary vector.
func (w *stackWriter) aux(p *imagePlan, random, name uint64) {
	w.pair(atPhdr, p.phdrVA)
	w.pair(atPhent, elfPhdrSize)
	w.pair(atPhnum, p.phnum)
	w.pair(atPagesz, pageBytes)
	w.pair(atBase, 0)
	w.pair(atFlags, 0)
	w.pair(atEntry, p.entry)
	w.pair(atUID, 0)
	w.pair(atEUID, 0)
	w.pair(atGID, 0)
	w.pair(atEGID, 0)
	w.pair(atClktck, clockTicks)
	w.pair(atSecure, 0)
	w.pair(atRandom, random)
	w.pair(atExecfn, name)
	w.pair(atNull, 0)
}

//go:noinline
func (w *stackWriter) pair(tag, v uint64) {
	w.word(tag)
	w.word(v)
}
