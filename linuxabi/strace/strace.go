// Package strace writes a system call and its arguments as strace(1) does, as far as the kinds of its arguments are known.
package strace

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
)

// MaxString is how many bytes of a string argument are shown.
const MaxString = 64

// kinds of arguments, one letter each: s string, d int, x hex, o octal, p pointer.
var kinds = map[uint64]string{
	unix.SYS_READ: "dpd", unix.SYS_WRITE: "dpd", unix.SYS_OPEN: "sxo", unix.SYS_CLOSE: "d", unix.SYS_STAT: "sp", unix.SYS_FSTAT: "dp",
	unix.SYS_LSTAT: "sp", unix.SYS_POLL: "pdd", unix.SYS_LSEEK: "ddd", unix.SYS_MMAP: "pdxxdx", unix.SYS_MPROTECT: "pdx",
	unix.SYS_MUNMAP: "pd", unix.SYS_BRK: "p", unix.SYS_RT_SIGACTION: "dppd", unix.SYS_RT_SIGPROCMASK: "dppd", unix.SYS_RT_SIGRETURN: "",
	unix.SYS_IOCTL: "dxp", unix.SYS_PREAD64: "dpdd", unix.SYS_PWRITE64: "dpdd", unix.SYS_READV: "dpd", unix.SYS_WRITEV: "dpd",
	unix.SYS_ACCESS: "so", unix.SYS_PIPE: "p", unix.SYS_SELECT: "dpppp", unix.SYS_SCHED_YIELD: "", unix.SYS_MREMAP: "pddxp",
	unix.SYS_MADVISE: "pdd", unix.SYS_DUP: "d", unix.SYS_DUP2: "dd", unix.SYS_DUP3: "ddx", unix.SYS_NANOSLEEP: "pp", unix.SYS_GETPID: "",
	unix.SYS_CLONE: "xpppx", unix.SYS_FORK: "", unix.SYS_VFORK: "", unix.SYS_EXECVE: "spp", unix.SYS_EXIT: "d", unix.SYS_WAIT4: "dpxp",
	unix.SYS_KILL: "dd", unix.SYS_UNAME: "p", unix.SYS_FCNTL: "ddx", unix.SYS_FTRUNCATE: "dd", unix.SYS_GETCWD: "pd", unix.SYS_CHDIR: "s",
	unix.SYS_RENAME: "ss", unix.SYS_MKDIR: "so", unix.SYS_RMDIR: "s", unix.SYS_UNLINK: "s", unix.SYS_SYMLINK: "ss", unix.SYS_READLINK: "spd",
	unix.SYS_CHMOD: "so", unix.SYS_UMASK: "o", unix.SYS_GETUID: "", unix.SYS_GETPPID: "", unix.SYS_SETPGID: "dd", unix.SYS_SETSID: "",
	unix.SYS_PRCTL: "dxxxx", unix.SYS_ARCH_PRCTL: "xp", unix.SYS_MOUNT: "sssxp", unix.SYS_GETTID: "", unix.SYS_FUTEX: "pxdppd",
	unix.SYS_GETDENTS64: "dpd", unix.SYS_SET_TID_ADDRESS: "p", unix.SYS_CLOCK_GETTIME: "dp", unix.SYS_CLOCK_NANOSLEEP: "dxpp",
	unix.SYS_EXIT_GROUP: "d", unix.SYS_TGKILL: "ddd", unix.SYS_OPENAT: "dsxo", unix.SYS_MKDIRAT: "dso", unix.SYS_NEWFSTATAT: "dspx",
	unix.SYS_UNLINKAT: "dsx", unix.SYS_READLINKAT: "dspd", unix.SYS_FACCESSAT: "dso", unix.SYS_PSELECT6: "dppppp", unix.SYS_PPOLL: "pdppd",
	unix.SYS_SET_ROBUST_LIST: "pd", unix.SYS_UTIMENSAT: "dspx", unix.SYS_PIPE2: "px", unix.SYS_PRLIMIT64: "ddpp", unix.SYS_GETRANDOM: "pdx",
	unix.SYS_STATX: "dsxxp", unix.SYS_RSEQ: "pdxx", unix.SYS_CLONE3: "pd", unix.SYS_CLOSE_RANGE: "ddx", unix.SYS_FACCESSAT2: "dsox",
}

// Format writes call nr; str reads a string of the caller.
func Format(nr uint64, args [6]uint64, str func(va uint64) (string, bool)) string {
	kind, ok := kinds[nr]
	if !ok {
		kind = "xxxxxx"
	}
	var b strings.Builder
	b.WriteString(abi.Name(nr))
	b.WriteByte('(')
	for i, k := range []byte(kind) {
		if i > 0 {
			b.WriteString(", ")
		}
		writeArg(&b, k, args[i], str)
	}
	b.WriteByte(')')
	return b.String()
}

func writeArg(b *strings.Builder, kind byte, v uint64, str func(uint64) (string, bool)) {
	switch kind {
	case 'd':
		if int32(v) == unix.AT_FDCWD {
			b.WriteString("AT_FDCWD")
			return
		}
		fmt.Fprintf(b, "%d", int64(v))
	case 'o':
		fmt.Fprintf(b, "%#o", v)
	case 's':
		if s, ok := str(v); ok {
			fmt.Fprintf(b, "%q", s)
			return
		}
		fmt.Fprintf(b, "%#x", v)
	case 'p':
		if v == 0 {
			b.WriteString("NULL")
			return
		}
		fmt.Fprintf(b, "%#x", v)
	default:
		fmt.Fprintf(b, "%#x", v)
	}
}
