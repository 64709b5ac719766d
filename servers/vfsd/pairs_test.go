package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches.
const unreached = `
CgroupOf: access denied
ClockChanged: ok
Copy: broken pipe, no space left, not permitted, too big
EpollControl: bad file descriptor, limit reached
Fallocate: no space left
Flags: not permitted
Forget: ok
Getcwd: not found
Inotify: bad argument
InotifyAdd: bad file descriptor, no space left
InotifyRemove: bad file descriptor
Ioctl: bad address, bad argument, bad file descriptor, interrupted, no such process, not permitted, server failed, would block
LinkAt: bad argument
MakeAt: no space left
MapFile: access denied
Mount: access denied
MountSetattr: access denied, bad file descriptor, name too long
Open: no space left, no such device, text file busy
Pidfd: bad argument
Pipe: limit reached
PivotRoot: access denied, name too long
Read: bad address, broken pipe, canceled, interrupted, server failed
SetNs: not permitted, ok
SetAt: text file busy, too big
StatTo: access denied, bad address, name too long, not a directory, not found, ok, too many symbolic links
Syslog: bad address, bad argument, not permitted, ok, would block
Timerfd: not permitted
Umount: access denied
Vhangup: not permitted, ok
Write: access denied, bad address, interrupted, page must be fetched, server failed, would block
XattrGet: bad argument, bad file descriptor, not permitted, operation not supported
XattrSet: bad file descriptor, no space left
`
