package abi

import (
	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// errnos maps each uabi.Error to the errno that Linux answers in its place. Handlers override it where one error means
// another errno for their call.
var errnos = [...]unix.Errno{
	uabi.ErrCall:          unix.ENOSYS,
	uabi.ErrArg:           unix.EINVAL,
	uabi.ErrHandle:        unix.EBADF,
	uabi.ErrType:          unix.EINVAL,
	uabi.ErrRights:        unix.EACCES,
	uabi.ErrFault:         unix.EFAULT,
	uabi.ErrNoMem:         unix.ENOMEM,
	uabi.ErrLimit:         unix.EAGAIN,
	uabi.ErrDeadlock:      unix.EDEADLK,
	uabi.ErrStale:         unix.EBADF,
	uabi.ErrDead:          unix.ESRCH,
	uabi.ErrBusy:          unix.EBUSY,
	uabi.ErrExists:        unix.EEXIST,
	uabi.ErrNotFound:      unix.ENOENT,
	uabi.ErrWait:          unix.EAGAIN,
	uabi.ErrTimeout:       unix.ETIMEDOUT,
	uabi.ErrInterrupted:   unix.EINTR,
	uabi.ErrSignal:        unix.EINTR,
	uabi.ErrIO:            unix.EIO,
	uabi.ErrSize:          unix.EMSGSIZE,
	uabi.ErrAgain:         unix.EAGAIN,
	uabi.ErrPerm:          unix.EPERM,
	uabi.ErrNotDir:        unix.ENOTDIR,
	uabi.ErrIsDir:         unix.EISDIR,
	uabi.ErrNotEmpty:      unix.ENOTEMPTY,
	uabi.ErrLoop:          unix.ELOOP,
	uabi.ErrName:          unix.ENAMETOOLONG,
	uabi.ErrBadFD:         unix.EBADF,
	uabi.ErrMFile:         unix.EMFILE,
	uabi.ErrSeek:          unix.ESPIPE,
	uabi.ErrPipe:          unix.EPIPE,
	uabi.ErrReadOnly:      unix.EROFS,
	uabi.ErrCrossDevice:   unix.EXDEV,
	uabi.ErrNoTTY:         unix.ENOTTY,
	uabi.ErrNoExec:        unix.ENOEXEC,
	uabi.ErrChild:         unix.ECHILD,
	uabi.ErrSearch:        unix.ESRCH,
	uabi.ErrUnsupported:   unix.ENOSYS,
	uabi.ErrTooBig:        unix.E2BIG,
	uabi.ErrNoDevice:      unix.ENODEV,
	uabi.ErrAccess:        unix.EACCES,
	uabi.ErrDecode:        unix.EIO,
	uabi.ErrNoSpace:       unix.ENOSPC,
	uabi.ErrOverflow:      unix.EOVERFLOW,
	uabi.ErrNotSock:       unix.ENOTSOCK,
	uabi.ErrTextBusy:      unix.ETXTBSY,
	uabi.ErrRange:         unix.ERANGE,
	uabi.ErrNoData:        unix.ENODATA,
	uabi.ErrCanceled:      unix.ECANCELED,
	uabi.ErrRefused:       unix.ECONNREFUSED,
	uabi.ErrNotConnected:  unix.ENOTCONN,
	uabi.ErrConnected:     unix.EISCONN,
	uabi.ErrAddressInUse:  unix.EADDRINUSE,
	uabi.ErrReset:         unix.ECONNRESET,
	uabi.ErrProtocolType:  unix.EPROTOTYPE,
	uabi.ErrNoOption:      unix.ENOPROTOOPT,
	uabi.ErrNoDestination: unix.EDESTADDRREQ,
	uabi.ErrProtocol:      unix.EPROTONOSUPPORT,
	uabi.ErrSocketType:    unix.ESOCKTNOSUPPORT,
	uabi.ErrFamily:        unix.EAFNOSUPPORT,
	uabi.ErrOperation:     unix.EOPNOTSUPP,
	uabi.ErrTooManyRefs:   unix.ETOOMANYREFS,
	uabi.ErrNoBuffers:     unix.ENOBUFS,
	uabi.ErrNoAddress:     unix.EADDRNOTAVAIL,
	uabi.ErrShutdown:      unix.EPIPE,
	uabi.ErrFileSize:      unix.EFBIG,
}

// Errno gives the errno for e; EIO for one that has none. OK gives 0.
func Errno(e uabi.Error) unix.Errno {
	if e == uabi.OK {
		return 0
	}
	if e > 0 && int(e) < len(errnos) && errnos[e] != 0 {
		return errnos[e]
	}
	return unix.EIO
}
