package abi

// Constants that golang.org/x/sys/unix does not have on x86-64.
const (
	POLLRDNORM = 0x40 // asm-generic/poll.h
	POLLWRNORM = 0x100

	FIONREAD = 0x541b // asm-generic/ioctls.h
	FIONBIO  = 0x5421
	FIONCLEX = 0x5450
	FIOCLEX  = 0x5451
	FIOASYNC = 0x5452

	AtStatxSyncType = 0x6000 // AT_STATX_SYNC_TYPE, linux/fcntl.h
	StatxReserved   = 0x80000000

	WNOTHREAD = 0x20000000 // linux/wait.h
	WCLONE    = 0x80000000
)

// Flags of struct sigaction (asm/signal.h).
const (
	SARestart = 0x10000000
	SAOnstack = 0x08000000
)
