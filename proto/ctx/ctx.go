// Package ctx names the context words that procd sets on an alien thread and that come with each trap and forwarded call.
package ctx

// Indices into the context words (uabi.ContextWords of them).
const (
	Tgid  = iota // process id as getpid returns it
	Tid          // thread id as gettid returns it
	Ppid         // parent's process id in the low 32 bits; above them FileLimit
	Cred         // credentials record id (procd)
	UID          // effective uid in the low 32 bits, effective gid in the high 32
	Fs           // fs context (cwd, root, umask) id: vfsd's badge number
	Files        // fd table id (procd)
	Pgrp         // process group id in the low 32 bits, session id in the high 32
)

// FileLimit, in word Ppid, says that the process has a limit for the size of files (RLIMIT_FSIZE), which procd knows.
const FileLimit = 1 << 32
