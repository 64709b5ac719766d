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

// kinds of arguments, one letter each: f descriptor, s string, p pointer, n length or count, d int, x hex, o octal.
var kinds = map[uint64]string{
	unix.SYS_READ: "fpn", unix.SYS_WRITE: "fpn", unix.SYS_OPEN: "sxo", unix.SYS_CLOSE: "f", unix.SYS_STAT: "sp", unix.SYS_FSTAT: "fp",
	unix.SYS_LSTAT: "sp", unix.SYS_POLL: "pnd", unix.SYS_LSEEK: "fdd", unix.SYS_MMAP: "pnxxfx", unix.SYS_MPROTECT: "pnx", unix.SYS_MUNMAP: "pn",
	unix.SYS_BRK: "p", unix.SYS_RT_SIGACTION: "dppn", unix.SYS_RT_SIGPROCMASK: "dppn", unix.SYS_RT_SIGRETURN: "", unix.SYS_IOCTL: "fxp",
	unix.SYS_PREAD64: "fpnd", unix.SYS_PWRITE64: "fpnd", unix.SYS_READV: "fpn", unix.SYS_WRITEV: "fpn", unix.SYS_PREADV: "fpndd",
	unix.SYS_PWRITEV: "fpndd", unix.SYS_PREADV2: "fpnddx", unix.SYS_PWRITEV2: "fpnddx", unix.SYS_ACCESS: "so", unix.SYS_PIPE: "p",
	unix.SYS_SELECT: "npppp", unix.SYS_SCHED_YIELD: "", unix.SYS_MREMAP: "pnnxp", unix.SYS_MSYNC: "pnx", unix.SYS_MADVISE: "pnd", unix.SYS_DUP: "f",
	unix.SYS_DUP2: "ff", unix.SYS_DUP3: "ffx", unix.SYS_PAUSE: "", unix.SYS_NANOSLEEP: "pp", unix.SYS_GETITIMER: "dp", unix.SYS_ALARM: "d",
	unix.SYS_SETITIMER: "dpp", unix.SYS_GETPID: "", unix.SYS_SENDFILE: "ffpn", unix.SYS_CLONE: "xpppx", unix.SYS_FORK: "", unix.SYS_VFORK: "",
	unix.SYS_EXECVE: "spp", unix.SYS_EXECVEAT: "fsppx", unix.SYS_EXIT: "d", unix.SYS_WAIT4: "dpxp", unix.SYS_WAITID: "ddpxp", unix.SYS_KILL: "dd",
	unix.SYS_TKILL: "dd", unix.SYS_TGKILL: "ddd", unix.SYS_UNAME: "p", unix.SYS_FCNTL: "fdx", unix.SYS_FLOCK: "fd", unix.SYS_FSYNC: "f",
	unix.SYS_FDATASYNC: "f", unix.SYS_SYNCFS: "f", unix.SYS_SYNC: "", unix.SYS_TRUNCATE: "sd", unix.SYS_FTRUNCATE: "fd", unix.SYS_FALLOCATE: "fxdd",
	unix.SYS_FADVISE64: "fdnd", unix.SYS_GETDENTS64: "fpn", unix.SYS_GETCWD: "pn", unix.SYS_CHDIR: "s", unix.SYS_FCHDIR: "f", unix.SYS_RENAME: "ss",
	unix.SYS_RENAMEAT: "fsfs", unix.SYS_RENAMEAT2: "fsfsx", unix.SYS_MKDIR: "so", unix.SYS_MKDIRAT: "fso", unix.SYS_RMDIR: "s", unix.SYS_CREAT: "so",
	unix.SYS_LINK: "ss", unix.SYS_LINKAT: "fsfsx", unix.SYS_UNLINK: "s", unix.SYS_UNLINKAT: "fsx", unix.SYS_SYMLINK: "ss", unix.SYS_SYMLINKAT: "sfs",
	unix.SYS_READLINK: "spn", unix.SYS_READLINKAT: "fspn", unix.SYS_CHMOD: "so", unix.SYS_FCHMOD: "fo", unix.SYS_FCHMODAT: "fso", unix.SYS_CHOWN: "sdd",
	unix.SYS_FCHOWN: "fdd", unix.SYS_LCHOWN: "sdd", unix.SYS_FCHOWNAT: "fsddx", unix.SYS_UMASK: "o", unix.SYS_GETTIMEOFDAY: "pp",
	unix.SYS_GETRLIMIT: "dp", unix.SYS_SETRLIMIT: "dp", unix.SYS_GETRUSAGE: "dp", unix.SYS_SYSINFO: "p", unix.SYS_TIMES: "p", unix.SYS_PTRACE: "dxpp",
	unix.SYS_GETUID: "", unix.SYS_GETGID: "", unix.SYS_SETUID: "d", unix.SYS_SETGID: "d", unix.SYS_GETEUID: "", unix.SYS_GETEGID: "",
	unix.SYS_SETPGID: "dd", unix.SYS_GETPPID: "", unix.SYS_GETPGRP: "", unix.SYS_SETSID: "", unix.SYS_SETREUID: "dd", unix.SYS_SETREGID: "dd",
	unix.SYS_GETGROUPS: "np", unix.SYS_SETGROUPS: "np", unix.SYS_SETRESUID: "ddd", unix.SYS_GETRESUID: "ppp", unix.SYS_SETRESGID: "ddd",
	unix.SYS_GETRESGID: "ppp", unix.SYS_GETPGID: "d", unix.SYS_SETFSUID: "d", unix.SYS_SETFSGID: "d", unix.SYS_GETSID: "d", unix.SYS_CAPGET: "pp",
	unix.SYS_CAPSET: "pp", unix.SYS_RT_SIGPENDING: "pn", unix.SYS_RT_SIGTIMEDWAIT: "pppn", unix.SYS_RT_SIGQUEUEINFO: "ddp",
	unix.SYS_RT_TGSIGQUEUEINFO: "dddp", unix.SYS_RT_SIGSUSPEND: "pn", unix.SYS_SIGALTSTACK: "pp", unix.SYS_UTIME: "sp", unix.SYS_UTIMES: "sp",
	unix.SYS_FUTIMESAT: "fsp", unix.SYS_UTIMENSAT: "fspx", unix.SYS_MKNOD: "sox", unix.SYS_MKNODAT: "fsox", unix.SYS_PERSONALITY: "x",
	unix.SYS_STATFS: "sp", unix.SYS_FSTATFS: "fp", unix.SYS_GETPRIORITY: "dd", unix.SYS_SETPRIORITY: "ddd", unix.SYS_SCHED_SETPARAM: "dp",
	unix.SYS_SCHED_GETPARAM: "dp", unix.SYS_SCHED_SETSCHEDULER: "ddp", unix.SYS_SCHED_GETSCHEDULER: "d", unix.SYS_SCHED_GET_PRIORITY_MAX: "d",
	unix.SYS_SCHED_GET_PRIORITY_MIN: "d", unix.SYS_SCHED_SETAFFINITY: "dnp", unix.SYS_SCHED_GETAFFINITY: "dnp", unix.SYS_MLOCK: "pn", unix.SYS_MLOCK2: "pnx",
	unix.SYS_MUNLOCK: "pn", unix.SYS_MLOCKALL: "x", unix.SYS_MUNLOCKALL: "", unix.SYS_PRCTL: "dxxxx", unix.SYS_ARCH_PRCTL: "xp", unix.SYS_CHROOT: "s",
	unix.SYS_MOUNT: "sssxp", unix.SYS_UMOUNT2: "sx", unix.SYS_REBOOT: "xxdp", unix.SYS_SETHOSTNAME: "sn", unix.SYS_SETDOMAINNAME: "sn",
	unix.SYS_GETTID: "", unix.SYS_SETXATTR: "sspnx", unix.SYS_LSETXATTR: "sspnx", unix.SYS_FSETXATTR: "fspnx", unix.SYS_GETXATTR: "sspn",
	unix.SYS_LGETXATTR: "sspn", unix.SYS_FGETXATTR: "fspn", unix.SYS_LISTXATTR: "spn", unix.SYS_LLISTXATTR: "spn", unix.SYS_FLISTXATTR: "fpn",
	unix.SYS_REMOVEXATTR: "ss", unix.SYS_LREMOVEXATTR: "ss", unix.SYS_FREMOVEXATTR: "fs", unix.SYS_TIME: "p", unix.SYS_FUTEX: "pxdppd",
	unix.SYS_EPOLL_CREATE: "d", unix.SYS_EPOLL_CREATE1: "x", unix.SYS_EPOLL_CTL: "fdfp", unix.SYS_EPOLL_WAIT: "fpnd", unix.SYS_EPOLL_PWAIT: "fpndpn",
	unix.SYS_EPOLL_PWAIT2: "fpnppn", unix.SYS_SET_TID_ADDRESS: "p", unix.SYS_CLOCK_GETTIME: "dp", unix.SYS_CLOCK_SETTIME: "dp",
	unix.SYS_CLOCK_GETRES: "dp", unix.SYS_CLOCK_NANOSLEEP: "dxpp", unix.SYS_EXIT_GROUP: "d", unix.SYS_OPENAT: "fsxo", unix.SYS_NEWFSTATAT: "fspx",
	unix.SYS_FACCESSAT: "fso", unix.SYS_FACCESSAT2: "fsox", unix.SYS_PSELECT6: "nppppp", unix.SYS_PPOLL: "pnppn", unix.SYS_UNSHARE: "x",
	unix.SYS_SET_ROBUST_LIST: "pn", unix.SYS_GET_ROBUST_LIST: "dpp", unix.SYS_SPLICE: "fpfpnx", unix.SYS_TEE: "ffnx", unix.SYS_SYNC_FILE_RANGE: "fddx",
	unix.SYS_VMSPLICE: "fpnx", unix.SYS_SIGNALFD: "fpn", unix.SYS_SIGNALFD4: "fpnx", unix.SYS_TIMERFD_CREATE: "dx", unix.SYS_TIMERFD_SETTIME: "fxpp",
	unix.SYS_TIMERFD_GETTIME: "fp", unix.SYS_EVENTFD: "d", unix.SYS_EVENTFD2: "dx", unix.SYS_INOTIFY_INIT: "", unix.SYS_INOTIFY_INIT1: "x",
	unix.SYS_INOTIFY_ADD_WATCH: "fsx", unix.SYS_INOTIFY_RM_WATCH: "fd", unix.SYS_PIPE2: "px", unix.SYS_PRLIMIT64: "ddpp", unix.SYS_GETRANDOM: "pnx",
	unix.SYS_STATX: "fsxxp", unix.SYS_RSEQ: "pnxx", unix.SYS_CLONE3: "pn", unix.SYS_CLOSE_RANGE: "ddx", unix.SYS_GETCPU: "ppp",
	unix.SYS_MEMFD_CREATE: "sx", unix.SYS_COPY_FILE_RANGE: "fpfpnx", unix.SYS_NAME_TO_HANDLE_AT: "fsppx", unix.SYS_OPEN_BY_HANDLE_AT: "fpx",
	unix.SYS_SETNS: "fx", unix.SYS_KCMP: "ddddd", unix.SYS_PIDFD_OPEN: "dx", unix.SYS_PIDFD_SEND_SIGNAL: "fdpx", unix.SYS_PIDFD_GETFD: "ffx",
	unix.SYS_OPENAT2: "fspn", unix.SYS_PIVOT_ROOT: "ss", unix.SYS_READAHEAD: "fdn", unix.SYS_MINCORE: "pnp", unix.SYS_SOCKET: "ddd",
	unix.SYS_SOCKETPAIR: "dddp", unix.SYS_CONNECT: "fpn", unix.SYS_ACCEPT: "fpp", unix.SYS_ACCEPT4: "fppx", unix.SYS_SENDTO: "fpnxpn",
	unix.SYS_RECVFROM: "fpnxpp", unix.SYS_SENDMSG: "fpx", unix.SYS_RECVMSG: "fpx", unix.SYS_SENDMMSG: "fpnx", unix.SYS_RECVMMSG: "fpnxp",
	unix.SYS_SHUTDOWN: "fd", unix.SYS_BIND: "fpn", unix.SYS_LISTEN: "fd", unix.SYS_GETSOCKNAME: "fpp", unix.SYS_GETPEERNAME: "fpp",
	unix.SYS_SETSOCKOPT: "fddpn", unix.SYS_GETSOCKOPT: "fddpp", unix.SYS_OPEN_TREE: "fsx", unix.SYS_MOVE_MOUNT: "fsfsx", unix.SYS_FSOPEN: "sx",
	unix.SYS_FSCONFIG: "fxspd", unix.SYS_FSMOUNT: "fxx", unix.SYS_FSPICK: "fsx", unix.SYS_MOUNT_SETATTR: "fsxpn", unix.SYS_TIMER_CREATE: "dpp",
	unix.SYS_TIMER_SETTIME: "dxpp", unix.SYS_TIMER_GETTIME: "dp", unix.SYS_TIMER_GETOVERRUN: "d", unix.SYS_TIMER_DELETE: "d", unix.SYS_SYSLOG: "dpn",
	unix.SYS_KEYCTL: "dxxxx", unix.SYS_ADD_KEY: "sspnd", unix.SYS_REQUEST_KEY: "sssd", unix.SYS_MEMBARRIER: "dxd", unix.SYS_SECCOMP: "dxp",
	unix.SYS_SWAPON: "sx", unix.SYS_SWAPOFF: "s", unix.SYS_ACCT: "s", unix.SYS_SCHED_RR_GET_INTERVAL: "dp", unix.SYS_SCHED_SETATTR: "dpx",
	unix.SYS_SCHED_GETATTR: "dpnx", unix.SYS_IOPRIO_SET: "ddd", unix.SYS_IOPRIO_GET: "dd", unix.SYS_SETTIMEOFDAY: "pp", unix.SYS_ADJTIMEX: "p",
	unix.SYS_CLOCK_ADJTIME: "dp", unix.SYS_FCHMODAT2: "fsox", unix.SYS_VHANGUP: "", unix.SYS_QUOTACTL: "xsdp", unix.SYS_MBIND: "pnxpnx",
	unix.SYS_SET_MEMPOLICY: "xpn", unix.SYS_GET_MEMPOLICY: "ppnpx", unix.SYS_PKEY_MPROTECT: "pnxd", unix.SYS_PROCESS_VM_READV: "dpnpnx",
	unix.SYS_PROCESS_VM_WRITEV: "dpnpnx", unix.SYS_PROCESS_MADVISE: "fpndx", unix.SYS_BPF: "dpn", unix.SYS_USTAT: "dp", unix.SYS_GETDENTS: "fpn",
}

// Kinds returns the kinds of a call's arguments, a letter each; false: it is not known.
func Kinds(nr uint64) (string, bool) {
	k, ok := kinds[nr]
	return k, ok
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
	case 'd', 'f', 'n':
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
