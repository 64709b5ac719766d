package syscall

// bootConfig is what the kernel itself takes from its command line. Words from the first that begins with "aramid." on are
// for ring 3, which reads the whole line in BootConfig.
type bootConfig struct {
	trace      bool
	quiet      bool   // log=quiet: no lines of the kernel's own but errors
	cpus       uint64 // cpus=N: CPUs to use; 0 is all
	watchdogMS uint64 // watchdog=MS: limit of a delivered request's age; 0 is the default
	bad        []byte // the first word that is not known, or nil
}

const ringThreePrefix = "aramid."

// parseCmdline reads the kernel's words. Unknown words and values end the parse with bad set: a typing error must not
// silently give another machine than was asked for.
func parseCmdline(line []byte) (c bootConfig) {
	for len(line) > 0 {
		n := 0
		for n < len(line) && line[n] != ' ' && line[n] != '\t' && line[n] != '\n' {
			n++
		}
		word := line[:n]
		line = line[min(n+1, len(line)):]
		if len(word) == 0 {
			continue
		}
		if hasPrefix(word, ringThreePrefix) {
			break
		}
		if !c.take(word) {
			c.bad = word
			break
		}
	}
	return c
}

// take applies one word and tells whether it is known.
func (c *bootConfig) take(word []byte) (ok bool) {
	switch {
	case hasPrefix(word, "cpus="):
		c.cpus, ok = parseDec(word[len("cpus="):])
		return ok && c.cpus > 0
	case hasPrefix(word, "watchdog="):
		c.watchdogMS, ok = parseDec(word[len("watchdog="):])
		return ok
	}
	for i := range plainWords {
		if string(word) != plainWords[i] {
			continue
		}
		switch i {
		case wordTrace, wordNoTrace:
			c.trace = i == wordTrace
		case wordQuiet, wordNormal:
			c.quiet = i == wordQuiet
		}
		return true
	}
	return false
}

// plainWords are the words without a value of their own. arch/amd64 has obeyed those behind wordNormal.
var plainWords = [...]string{
	wordTrace: "trace=on", wordNoTrace: "trace=off", wordQuiet: "log=quiet", wordNormal: "log=normal",
	wordNormal + 1: "log=com1", wordNormal + 2: "log=com2", wordNormal + 3: "log=debugcon",
}

const (
	wordTrace = iota
	wordNoTrace
	wordQuiet
	wordNormal
)

//go:noinline
func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// parseDec reads a decimal number below 10^9.
//
//go:noinline
func parseDec(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
