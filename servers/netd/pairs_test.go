package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches; and one that is not in the contract of open files: Read on the plain endpoint.
const unreached = `
Connect: would block
Flags: bad file descriptor, not permitted
Ioctl: bad address, bad file descriptor, interrupted, no such process, not permitted, server failed, would block
MapFile: access denied, ok
Pair: protocol not supported, socket type not supported
Path: ok
Poll: not permitted
Read: not a socket, bad address, bad argument, bad file descriptor, broken pipe, canceled, interrupted, is a directory, no such device, ok, page must be fetched, server failed, would block
ReadDir: bad argument, not found, ok
Recv: bad address, connection refused
RecvMessage: bad address, connection refused, no buffer space
Seek: bad argument, bad file descriptor, ok
Send: bad address, bad argument, no buffer space, not permitted
SendMessage: bad address, no buffer space, no such process
SetOption: access denied
Stage: too many references
StatAt: access denied, name too long, not found, too many symbolic links
StatTo: access denied, bad address, name too long, not a directory, not found, ok, too many symbolic links
Sync: ok
Write: access denied, bad address, bad argument, bad file descriptor, broken pipe, busy, interrupted, limit reached, no space left, no such device, no such process, not found, not permitted, ok, operation not supported, page must be fetched, result too large, server failed, too big, would block
`
