package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/ukernel/uabi"
)

// Level says how far a system call is built.
type Level uint8

// The levels of support. The zero Level is Absent.
const (
	Absent  Level = iota // no handler: the row's errno, or ENOSYS; each use is counted
	Partial              // some uses answer an honest errno and are counted
	Full
)

// row is one system call.
type row struct {
	run    func(*Trap) int64
	failed func(*Trap, uabi.Error) int64 // of a forwarded request, where the errno is not the usual one
	level  Level
	errno  unix.Errno // of an absent one: what a Linux without the feature answers
	gap    string     // what a partial one lacks
}

func full(f func(*Trap) int64) row                { return row{run: f, level: Full} }
func partial(f func(*Trap) int64, gap string) row { return row{run: f, level: Partial, gap: gap} }
func absent(e unix.Errno) row                     { return row{errno: e} }

// table has every system call that is not plainly absent (ENOSYS).
var table [abi.Calls]row

func init() {
	for nr, r := range rows {
		table[nr] = r
	}
}

// rows by family of man pages.
var rows = map[int]row{
	// Files and descriptors.
	unix.SYS_READ:            {run: read, failed: readFailed, level: Full},
	unix.SYS_WRITE:           {run: write, failed: writeFailed, level: Full},
	unix.SYS_PREAD64:         {run: pread, failed: readFailed, level: Full},
	unix.SYS_PWRITE64:        {run: pwrite, failed: writeFailed, level: Full},
	unix.SYS_READV:           full(readv),
	unix.SYS_WRITEV:          full(writev),
	unix.SYS_PREADV:          full(preadv),
	unix.SYS_PWRITEV:         full(pwritev),
	unix.SYS_PREADV2:         partial(preadv2, "RWF_NOWAIT, RWF_APPEND"),
	unix.SYS_PWRITEV2:        partial(pwritev2, "RWF_NOWAIT, RWF_APPEND"),
	unix.SYS_LSEEK:           {run: lseek, failed: seekFailed, level: Full},
	unix.SYS_CLOSE:           {run: closeFD, failed: closeFailed, level: Full},
	unix.SYS_CLOSE_RANGE:     full(closeRange),
	unix.SYS_DUP:             {run: dup, failed: dupZeroFailed, level: Full},
	unix.SYS_DUP2:            {run: dup2, failed: dupFailed, level: Full},
	unix.SYS_DUP3:            {run: dup3, failed: dupFailed, level: Full},
	unix.SYS_FCNTL:           partial(fcntl, "owners; deadlocks of record locks are not found"),
	unix.SYS_FLOCK:           full(flock),
	unix.SYS_IOCTL:           full(ioctl),
	unix.SYS_FSYNC:           full(fsync),
	unix.SYS_FDATASYNC:       full(fsync),
	unix.SYS_SYNCFS:          full(syncfs),
	unix.SYS_SYNC:            full(sync),
	unix.SYS_FADVISE64:       full(fadvise),
	unix.SYS_PIPE:            full(pipe),
	unix.SYS_PIPE2:           full(pipe2),
	unix.SYS_GETDENTS64:      full(getdents64),
	unix.SYS_SENDFILE:        partial(sendfile, "sockets, devices, terminals and files of procfs"),
	unix.SYS_FTRUNCATE:       full(ftruncate),
	unix.SYS_FALLOCATE:       partial(fallocate, "modes that move what follows"),
	unix.SYS_FSTAT:           full(fstat),
	unix.SYS_FSTATFS:         full(fstatfs),
	unix.SYS_FCHMOD:          full(fchmod),
	unix.SYS_FCHOWN:          full(fchown),
	unix.SYS_POLL:            full(poll),
	unix.SYS_PPOLL:           full(ppoll),
	unix.SYS_SELECT:          full(selectCall),
	unix.SYS_PSELECT6:        full(pselect6),
	unix.SYS_EVENTFD:         full(eventfd),
	unix.SYS_EVENTFD2:        full(eventfd2),
	unix.SYS_SIGNALFD:        full(signalfd),
	unix.SYS_SIGNALFD4:       full(signalfd4),
	unix.SYS_TIMERFD_CREATE:  full(timerfdCreate),
	unix.SYS_TIMERFD_SETTIME: full(timerfdSettime),
	unix.SYS_TIMERFD_GETTIME: full(timerfdGettime),
	unix.SYS_EPOLL_CREATE:    full(epollCreate),
	unix.SYS_EPOLL_CREATE1:   full(epollCreate1),
	unix.SYS_EPOLL_CTL:       full(epollCtl),
	unix.SYS_EPOLL_WAIT:      full(epollWait),
	unix.SYS_EPOLL_PWAIT:     full(epollPwait),
	unix.SYS_EPOLL_PWAIT2:    full(epollPwait2),

	// Copies within the system, and advice.
	unix.SYS_COPY_FILE_RANGE: full(copyFileRange),
	unix.SYS_SPLICE:          partial(splice, "sockets, devices and terminals"),
	unix.SYS_TEE:             full(tee),
	unix.SYS_VMSPLICE:        partial(vmsplice, "SPLICE_F_NONBLOCK of a pipe that waits"),
	unix.SYS_READAHEAD:       full(readahead),
	unix.SYS_SYNC_FILE_RANGE: full(syncFileRange),

	// Files without a name.
	unix.SYS_MEMFD_CREATE: partial(memfdCreate, "huge pages"),

	// Processes as files.
	unix.SYS_PIDFD_OPEN:        full(pidfdOpen),
	unix.SYS_PIDFD_SEND_SIGNAL: full(pidfdSendSignal),
	unix.SYS_PIDFD_GETFD:       full(pidfdGetfd),

	// Watching files.
	unix.SYS_INOTIFY_INIT:      full(inotifyInit),
	unix.SYS_INOTIFY_INIT1:     full(inotifyInit1),
	unix.SYS_INOTIFY_ADD_WATCH: full(inotifyAddWatch),
	unix.SYS_INOTIFY_RM_WATCH:  full(inotifyRmWatch),

	// Paths.
	unix.SYS_OPEN:              full(open),
	unix.SYS_OPENAT:            full(openat),
	unix.SYS_CREAT:             full(creat),
	unix.SYS_STAT:              full(stat),
	unix.SYS_LSTAT:             full(lstat),
	unix.SYS_NEWFSTATAT:        full(fstatat),
	unix.SYS_STATX:             full(statx),
	unix.SYS_ACCESS:            full(access),
	unix.SYS_FACCESSAT:         full(faccessat),
	unix.SYS_FACCESSAT2:        full(faccessat2),
	unix.SYS_READLINK:          full(readlink),
	unix.SYS_READLINKAT:        full(readlinkat),
	unix.SYS_MKDIR:             full(mkdir),
	unix.SYS_MKDIRAT:           full(mkdirat),
	unix.SYS_MKNOD:             full(mknod),
	unix.SYS_MKNODAT:           full(mknodat),
	unix.SYS_SYMLINK:           full(symlink),
	unix.SYS_SYMLINKAT:         full(symlinkat),
	unix.SYS_UNLINK:            full(unlink),
	unix.SYS_UNLINKAT:          full(unlinkat),
	unix.SYS_RMDIR:             full(rmdir),
	unix.SYS_RENAME:            full(rename),
	unix.SYS_RENAMEAT:          full(renameat),
	unix.SYS_RENAMEAT2:         full(renameat2),
	unix.SYS_LINK:              full(link),
	unix.SYS_LINKAT:            full(linkat),
	unix.SYS_CHMOD:             full(chmod),
	unix.SYS_FCHMODAT:          full(fchmodat),
	unix.SYS_CHOWN:             full(chown),
	unix.SYS_LCHOWN:            full(lchown),
	unix.SYS_FCHOWNAT:          full(fchownat),
	unix.SYS_TRUNCATE:          full(truncate),
	unix.SYS_UTIMENSAT:         full(utimensat),
	unix.SYS_UTIMES:            full(utimes),
	unix.SYS_UTIME:             full(utime),
	unix.SYS_FUTIMESAT:         full(futimesat),
	unix.SYS_CHDIR:             full(chdir),
	unix.SYS_FCHDIR:            full(fchdir),
	unix.SYS_CHROOT:            full(chroot),
	unix.SYS_GETCWD:            full(getcwd),
	unix.SYS_UMASK:             full(umask),
	unix.SYS_MOUNT:             full(mount),
	unix.SYS_UMOUNT2:           full(umount),
	unix.SYS_PIVOT_ROOT:        full(pivotRoot),
	unix.SYS_MOUNT_SETATTR:     partial(mountSetattr, "MOUNT_ATTR_IDMAP"),
	unix.SYS_UNSHARE:           partial(unshare, "user, pid, net, ipc, cgroup and time namespaces"),
	unix.SYS_SETNS:             partial(setns, "other than mount namespaces by their file and uts namespaces by a pidfd"),
	unix.SYS_STATFS:            full(statfs),
	unix.SYS_NAME_TO_HANDLE_AT: partial(nameToHandleAt, "file systems other than tmpfs, sysfs and cgroup2"),

	// Extended attributes.
	unix.SYS_GETXATTR:     full(getxattr),
	unix.SYS_LGETXATTR:    full(lgetxattr),
	unix.SYS_FGETXATTR:    full(fgetxattr),
	unix.SYS_SETXATTR:     full(setxattr),
	unix.SYS_LSETXATTR:    full(lsetxattr),
	unix.SYS_FSETXATTR:    full(fsetxattr),
	unix.SYS_LISTXATTR:    full(listxattr),
	unix.SYS_LLISTXATTR:   full(llistxattr),
	unix.SYS_FLISTXATTR:   full(flistxattr),
	unix.SYS_REMOVEXATTR:  full(removexattr),
	unix.SYS_LREMOVEXATTR: full(lremovexattr),
	unix.SYS_FREMOVEXATTR: full(fremovexattr),

	// Memory.
	unix.SYS_MMAP:              full(mmap),
	unix.SYS_MUNMAP:            full(munmap),
	unix.SYS_MPROTECT:          full(mprotect),
	unix.SYS_MREMAP:            full(mremap),
	unix.SYS_BRK:               full(brk),
	unix.SYS_PROCESS_VM_READV:  full(processVMReadv),
	unix.SYS_PROCESS_VM_WRITEV: full(processVMWritev),
	unix.SYS_PROCESS_MADVISE:   full(processMadvise),
	unix.SYS_MADVISE:           full(madvise),
	unix.SYS_MSYNC:             full(msync),
	unix.SYS_MINCORE:           full(mincore),
	unix.SYS_MLOCK:             full(mlock),
	unix.SYS_MLOCK2:            full(mlock2),
	unix.SYS_MUNLOCK:           full(munlock),
	unix.SYS_MLOCKALL:          full(mlockall),
	unix.SYS_MUNLOCKALL:        full(munlockall),

	// Processes and threads.
	unix.SYS_GETPID:                 full(getpid),
	unix.SYS_GETTID:                 full(gettid),
	unix.SYS_GETPPID:                full(getppid),
	unix.SYS_FORK:                   full(fork),
	unix.SYS_VFORK:                  full(vfork),
	unix.SYS_CLONE:                  partial(clone, "namespaces but mnt and uts, ptrace"),
	unix.SYS_CLONE3:                 partial(clone3, "namespaces but mnt and uts, set_tid, cgroup"),
	unix.SYS_EXECVE:                 full(execve),
	unix.SYS_EXECVEAT:               full(execveat),
	unix.SYS_EXIT:                   full(exit),
	unix.SYS_EXIT_GROUP:             full(exitGroup),
	unix.SYS_WAIT4:                  full(wait4),
	unix.SYS_WAITID:                 full(waitid),
	unix.SYS_SET_TID_ADDRESS:        full(setTidAddress),
	unix.SYS_SET_ROBUST_LIST:        full(setRobustList),
	unix.SYS_GETRUSAGE:              full(getrusage),
	unix.SYS_TIMES:                  full(times),
	unix.SYS_FUTEX:                  partial(futex, "priority inheritance"),
	unix.SYS_ARCH_PRCTL:             full(archPrctl),
	unix.SYS_PRCTL:                  partial(prctl, "options of features that are not built"),
	unix.SYS_PRLIMIT64:              full(prlimit),
	unix.SYS_GETRLIMIT:              full(getrlimit),
	unix.SYS_SETRLIMIT:              full(setrlimit),
	unix.SYS_SCHED_YIELD:            full(schedYield),
	unix.SYS_SCHED_GETAFFINITY:      full(schedGetaffinity),
	unix.SYS_SCHED_GETSCHEDULER:     full(schedGetscheduler),
	unix.SYS_SCHED_GETPARAM:         full(schedGetparam),
	unix.SYS_SCHED_GET_PRIORITY_MAX: full(schedPriorityLimit),
	unix.SYS_SCHED_GET_PRIORITY_MIN: full(schedPriorityLimit),
	unix.SYS_SCHED_SETAFFINITY:      partial(schedSetaffinity, "fewer than all processors"),
	unix.SYS_SCHED_SETSCHEDULER:     partial(schedSetscheduler, "real-time policies"),
	unix.SYS_SCHED_SETPARAM:         full(schedSetparam),
	unix.SYS_SCHED_GETATTR:          full(schedGetattr),
	unix.SYS_SCHED_SETATTR:          partial(schedSetattr, "real-time policies; the scheduler does not know nice values"),
	unix.SYS_SCHED_RR_GET_INTERVAL:  full(schedRRGetInterval),
	unix.SYS_IOPRIO_GET:             full(ioprioGet),
	unix.SYS_IOPRIO_SET:             full(ioprioSet),
	unix.SYS_KCMP:                   partial(kcmp, "KCMP_EPOLL_TFD; regular files that came in a message"),
	unix.SYS_GETPRIORITY:            full(getpriority),
	unix.SYS_SETPRIORITY:            partial(setpriority, "the scheduler does not know nice values"),
	unix.SYS_GETCPU:                 full(getcpu),
	unix.SYS_MEMBARRIER:             partial(membarrier, "private commands"),
	unix.SYS_PERSONALITY:            partial(personality, "all but ADDR_NO_RANDOMIZE and PER_LINUX32"),
	unix.SYS_RSEQ:                   absent(unix.ENOSYS),

	// Credentials, groups, sessions.
	unix.SYS_GETUID:    full(getuid),
	unix.SYS_GETGID:    full(getgid),
	unix.SYS_GETEUID:   full(geteuid),
	unix.SYS_GETEGID:   full(getegid),
	unix.SYS_GETRESUID: full(getresuid),
	unix.SYS_GETRESGID: full(getresgid),
	unix.SYS_GETGROUPS: full(getgroups),
	unix.SYS_SETGROUPS: full(setgroups),
	unix.SYS_SETUID:    full(setuid),
	unix.SYS_SETGID:    full(setgid),
	unix.SYS_SETRESUID: full(setresuid),
	unix.SYS_SETRESGID: full(setresgid),
	unix.SYS_SETREUID:  full(setreuid),
	unix.SYS_SETREGID:  full(setregid),
	unix.SYS_SETFSUID:  full(setfsuid),
	unix.SYS_SETFSGID:  full(setfsgid),
	unix.SYS_CAPGET:    full(capget),
	unix.SYS_CAPSET:    full(capset),
	unix.SYS_SETPGID:   full(setpgid),
	unix.SYS_GETPGID:   full(getpgid),
	unix.SYS_GETPGRP:   full(getpgrp),
	unix.SYS_GETSID:    full(getsid),
	unix.SYS_SETSID:    full(setsid),

	// Signals.
	unix.SYS_RT_SIGACTION:      full(rtSigaction),
	unix.SYS_RT_SIGPROCMASK:    full(rtSigprocmask),
	unix.SYS_RT_SIGRETURN:      {run: rtSigreturn, failed: sigreturnFailed, level: Full},
	unix.SYS_RT_SIGPENDING:     full(rtSigpending),
	unix.SYS_RT_SIGSUSPEND:     full(rtSigsuspend),
	unix.SYS_RT_SIGTIMEDWAIT:   full(rtSigtimedwait),
	unix.SYS_RT_SIGQUEUEINFO:   full(rtSigqueueinfo),
	unix.SYS_RT_TGSIGQUEUEINFO: full(rtTgsigqueueinfo),
	unix.SYS_SIGALTSTACK:       full(sigaltstack),
	unix.SYS_KILL:              full(kill),
	unix.SYS_TKILL:             full(tkill),
	unix.SYS_TGKILL:            full(tgkill),
	unix.SYS_PAUSE:             full(pause),

	// Time.
	unix.SYS_CLOCK_GETTIME:    full(clockGettime),
	unix.SYS_CLOCK_GETRES:     full(clockGetres),
	unix.SYS_CLOCK_SETTIME:    full(clockSettime),
	unix.SYS_CLOCK_ADJTIME:    partial(clockAdjtime, "adjusting"),
	unix.SYS_ADJTIMEX:         partial(adjtimex, "adjusting"),
	unix.SYS_SETTIMEOFDAY:     partial(settimeofday, "time zones"),
	unix.SYS_CLOCK_NANOSLEEP:  partial(clockNanosleep, "CPU clocks"),
	unix.SYS_NANOSLEEP:        full(nanosleep),
	unix.SYS_GETTIMEOFDAY:     full(gettimeofday),
	unix.SYS_TIME:             full(timeCall),
	unix.SYS_ALARM:            full(alarm),
	unix.SYS_SETITIMER:        partial(setitimer, "CPU time timers"),
	unix.SYS_GETITIMER:        partial(getitimer, "CPU time timers"),
	unix.SYS_TIMER_CREATE:     partial(timerCreate, "CPU clocks"),
	unix.SYS_TIMER_SETTIME:    full(timerSettime),
	unix.SYS_TIMER_GETTIME:    full(timerGettime),
	unix.SYS_TIMER_GETOVERRUN: full(timerGetoverrun),
	unix.SYS_TIMER_DELETE:     full(timerDelete),

	// The system.
	unix.SYS_UNAME:         full(uname),
	unix.SYS_SETHOSTNAME:   full(sethostname),
	unix.SYS_SETDOMAINNAME: full(setdomainname),
	unix.SYS_SYSINFO:       full(sysinfo),
	unix.SYS_GETRANDOM:     full(getrandom),
	unix.SYS_VHANGUP:       full(vhangup),
	unix.SYS_SYSLOG:        full(syslog),
	unix.SYS_REBOOT:        partial(reboot, "restart powers off"),

	// Features that a Linux can be configured without.
	unix.SYS_BPF:                     absent(unix.ENOSYS),
	unix.SYS_SECCOMP:                 absent(unix.ENOSYS),
	unix.SYS_KEYCTL:                  absent(unix.ENOSYS),
	unix.SYS_ADD_KEY:                 absent(unix.ENOSYS),
	unix.SYS_REQUEST_KEY:             absent(unix.ENOSYS),
	unix.SYS_PERF_EVENT_OPEN:         absent(unix.ENOSYS),
	unix.SYS_USERFAULTFD:             absent(unix.ENOSYS),
	unix.SYS_IO_URING_SETUP:          absent(unix.ENOSYS),
	unix.SYS_IO_URING_ENTER:          absent(unix.ENOSYS),
	unix.SYS_IO_URING_REGISTER:       absent(unix.ENOSYS),
	unix.SYS_LANDLOCK_CREATE_RULESET: absent(unix.ENOSYS),
	unix.SYS_LANDLOCK_ADD_RULE:       absent(unix.ENOSYS),
	unix.SYS_LANDLOCK_RESTRICT_SELF:  absent(unix.ENOSYS),
	unix.SYS_PTRACE:                  absent(unix.ENOSYS),

	// Sockets.
	unix.SYS_SOCKET:      partial(socket, "families but AF_UNIX and AF_NETLINK"),
	unix.SYS_SOCKETPAIR:  full(socketpair),
	unix.SYS_BIND:        full(bind),
	unix.SYS_LISTEN:      full(listen),
	unix.SYS_CONNECT:     full(connect),
	unix.SYS_ACCEPT:      full(accept),
	unix.SYS_ACCEPT4:     full(accept4),
	unix.SYS_GETSOCKNAME: full(getsockname),
	unix.SYS_GETPEERNAME: full(getpeername),
	unix.SYS_SHUTDOWN:    full(shutdown),
	unix.SYS_GETSOCKOPT:  partial(getsockopt, "options"),
	unix.SYS_SETSOCKOPT:  partial(setsockopt, "options"),
	unix.SYS_SENDTO:      {run: sendto, failed: sendFailed, level: Partial, gap: "MSG_OOB"},
	unix.SYS_SENDMSG:     partial(sendmsg, "MSG_OOB"),
	unix.SYS_SENDMMSG:    partial(sendmmsg, "MSG_OOB"),
	unix.SYS_RECVFROM:    {run: recvfrom, failed: recvFailed, level: Partial, gap: "MSG_OOB"},
	unix.SYS_RECVMSG:     partial(recvmsg, "datagrams above 48 KiB into more than four pieces"),
	unix.SYS_RECVMMSG:    partial(recvmmsg, "datagrams above 48 KiB into more than four pieces"),
}
