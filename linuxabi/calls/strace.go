package calls

import (
	"log"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/strace"
)

// tracing is which system calls are logged.
type tracing struct {
	on   bool
	seen map[outcome]bool // not nil: what has been logged, and is not again
}

// outcome is how calls of a row end.
type outcome struct {
	nr     uint64
	failed bool
}

// Trace says which system calls are logged: "on" all; "first" of each kind the first that fails and the first that does not, since this image of
// linuxabi started; anything else none.
func (l *Linux) Trace(which string) {
	l.trace = tracing{on: which == "on" || which == "first"}
	if which == "first" {
		l.trace.seen = map[outcome]bool{}
	}
}

// wanted reports whether a call that ended so is to be logged, where calls are.
func (t *tracing) wanted(o outcome) bool {
	if t.seen == nil {
		return true
	}
	before := t.seen[o]
	t.seen[o] = true
	return !before
}

// traceCall logs one system call like strace(1), if it is to be.
func (l *Linux) traceCall(t *Trap, nr uint64, v int64) {
	failed := v != pending && v < 0 && v > -4096
	if !l.trace.wanted(outcome{nr, failed}) {
		return
	}
	var args [6]uint64
	for i := range args {
		args[i] = t.arg(i)
	}
	text := strace.Format(nr, args, func(va uint64) (string, bool) {
		b := t.bytes(strace.MaxString)
		n, err := t.K.AlienString(va, b[:])
		return string(b[:min(n, len(b))]), err == 0
	})
	switch {
	case v == pending:
		log.Printf("[%d] %s …", t.tid(), text)
	case failed:
		log.Printf("[%d] %s = -1 %s", t.tid(), text, unix.ErrnoName(unix.Errno(-v)))
	default:
		log.Printf("[%d] %s = %#x", t.tid(), text, v)
	}
}
