package calls

import (
	"log"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/strace"
)

// traceCall logs one system call like strace(1).
func (l *Linux) traceCall(t *Trap, nr uint64, v int64) {
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
	case v < 0 && v > -4096:
		log.Printf("[%d] %s = -1 %s", t.tid(), text, unix.ErrnoName(unix.Errno(-v)))
	default:
		log.Printf("[%d] %s = %#x", t.tid(), text, v)
	}
}
