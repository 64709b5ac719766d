package uabi

// Error is the kernel's and the servers' small error enum; calls return it negated. Errno exists only in linuxabi.
type Error int32

// The errors. The comment says who is to blame: (c) the caller, (s) the server, (w) the state of the world.
const (
	OK               Error = iota
	ErrCall                // (c) no such native call or method
	ErrArg                 // (c) an argument is out of range, unaligned or malformed
	ErrHandle              // (c) no such handle, or its generation is stale
	ErrType                // (c) the handle names another type of object
	ErrRights              // (c) the handle lacks a right
	ErrFault               // (c) a memory range is not mapped with the access asked for
	ErrNoMem               // (w) no frame or the account's limit reached
	ErrLimit               // (w) a table or queue is full
	ErrDeadlock            // (c) rank rule: the endpoint is not of a lower rank (EDEADLK)
	ErrStale               // (c) the badge died, or the trap this belongs to was answered
	ErrDead                // (w) the process, thread or space is gone
	ErrBusy                // (w) in use; a badge with live handles (R6)
	ErrExists              // (w) already there
	ErrNotFound            // (w) not there
	ErrWait                // (w) would block: wait for the event in Msg.Wait and send again (R11)
	ErrTimeout             // (w) the deadline passed
	ErrInterrupted         // (w) the interrupt level is up
	ErrIO                  // (s) the server failed; also a quarantined request's answer
	ErrSize                // (c) too many bytes, handles or grants
	ErrAgain               // (w) a page must come from its pager first: wait and send again
	ErrPerm                // (c) permission denied by a server's rules
	ErrNotDir              // (c) a path component is no directory
	ErrIsDir               // (c) is a directory
	ErrNotEmpty            // (c) directory not empty
	ErrLoop                // (c) too many symbolic links
	ErrName                // (c) name too long
	ErrBadFD               // (c) descriptor not open, or not open for this
	ErrMFile               // (w) too many open files
	ErrSeek                // (c) not seekable
	ErrPipe                // (w) no reader
	ErrReadOnly            // (w) read-only file system
	ErrCrossDevice         // (c) link or rename across file systems
	ErrNoTTY               // (c) unknown ioctl for this file
	ErrNoExec              // (c) not an executable of a known format
	ErrChild               // (c) no such child
	ErrSearch              // (c) no such process
	ErrUnsupported         // (w) not built: a counted gap
	ErrTooBig              // (c) argument list or file too large
	ErrNoDevice            // (w) no such device
	ErrAccess              // (c) file permission bits deny it
	ErrDecode              // (c) a message that is not valid protobuf for its method
	ErrNoSpace             // (w) no space left
	ErrOverflow            // (c) value too large
	ErrNotSock             // (c) not a socket
	ErrTextBusy            // (w) text file busy
	ErrRange               // (c) result too large for the buffer
	ErrNoData              // (c) no such extended attribute
	ErrCanceled            // (w) the clock was set (timerfd)
	ErrRefused             // (w) connection refused
	ErrNotConnected        // (c) not connected
	ErrConnected           // (c) connected already
	ErrAddressInUse        // (c) address in use
	ErrReset               // (w) connection reset
	ErrProtocolType        // (c) wrong protocol type for socket
	ErrNoOption            // (c) no such socket option
	ErrNoDestination       // (c) destination address required
	ErrProtocol            // (c) protocol not supported
	ErrSocketType          // (c) socket type not supported
	ErrFamily              // (c) address family not supported
	ErrOperation           // (c) operation not supported on this socket
	ErrTooManyRefs         // (w) too many descriptors in flight
	ErrNoBuffers           // (w) no buffer space
	ErrNoAddress           // (c) address not available
	ErrShutdown            // (w) nobody receives any more, which is told without a signal
	ErrSignal              // (w) a signal for the thread's Go runtime ended the wait: receive again
	ErrFileSize            // (c) larger than a file can be
	errCount
)

var errNames = [errCount]string{
	"ok", "no such call", "bad argument", "bad handle", "wrong object type", "missing right", "bad address", "out of memory",
	"limit reached", "call not to a lower rank", "stale", "dead", "busy", "exists", "not found", "would block", "timed out",
	"interrupted", "server failed", "message too large", "page must be fetched", "not permitted", "not a directory",
	"is a directory", "directory not empty", "too many symbolic links", "name too long", "bad file descriptor",
	"too many open files", "not seekable", "broken pipe", "read-only file system", "cross-device link", "no such ioctl",
	"not an executable", "no child", "no such process", "not supported", "too big", "no such device", "access denied",
	"undecodable message", "no space left", "value too large", "not a socket", "text file busy", "result too large",
	"no such attribute", "canceled", "connection refused", "not connected", "already connected", "address in use", "connection reset",
	"wrong protocol type", "no such socket option", "destination required", "protocol not supported", "socket type not supported",
	"address family not supported", "operation not supported", "too many references", "no buffer space", "address not available", "shut down", "a signal ended the wait",
	"larger than a file can be",
}

// Error returns a few words; it never allocates.
func (e Error) Error() string {
	if e < 0 || e >= errCount {
		return "unknown error"
	}
	return errNames[e]
}
