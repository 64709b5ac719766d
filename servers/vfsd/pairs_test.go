package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches.
const unreached = `
CgroupOf: access denied
Copy: limit reached, no space left
EpollControl: limit reached
Fallocate: limit reached, no space left
Flags: not permitted
Inotify: bad argument
InotifyAdd: bad file descriptor, no space left
InotifyRemove: bad file descriptor
Ioctl: bad address, bad file descriptor, interrupted, no such process, would block
Log: ok
MapFile: access denied
Mount: access denied
MountSetattr: access denied, bad file descriptor, name too long
Pidfd: bad argument
Pipe: limit reached
PivotRoot: access denied, name too long
Read: bad address, broken pipe, interrupted, server failed
SetNs: not permitted, ok
SetAt: limit reached, too big
StatTo: access denied, name too long
Syslog: bad address
Timerfd: not permitted
Umount: access denied
Write: access denied, bad address, interrupted, limit reached
XattrGet: not permitted
`
