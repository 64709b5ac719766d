package calls

import "golang.org/x/sys/unix"

// Commands of membarrier(2) (linux/membarrier.h).
const (
	barrierQuery  = 0
	barrierGlobal = 1 << (iota - 1)
	barrierGlobalExpedited
	barrierRegisterGlobal
)

// membarrier makes every processor execute a barrier, so that those that only concern registered processes need no register. The
// commands for the caller's process alone fail without one, and are not offered.
func membarrier(t *Trap) int64 {
	const offered = barrierGlobal | barrierGlobalExpedited | barrierRegisterGlobal
	if t.arg32(1) != 0 {
		return errno(unix.EINVAL)
	}
	switch t.arg32(0) {
	case barrierQuery:
		return offered
	case barrierRegisterGlobal:
		return 0
	case barrierGlobal, barrierGlobalExpedited:
		t.K.Barrier()
		return 0
	}
	t.gap(unix.SYS_MEMBARRIER, "private commands")
	return errno(unix.EINVAL)
}
