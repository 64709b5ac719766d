package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches.
const unreached = `
Unshare
SetNs
PivotRoot
MountSetattr
CgroupOf: access denied
Chdir: access denied, not permitted
ClockChanged: ok
EpollControl: bad file descriptor, limit reached
Flags: not permitted
Forget: ok
Getcwd: not found
Inotify: bad argument
InotifyAdd: access denied, bad file descriptor, no space left
InotifyRemove: bad file descriptor
Ioctl: bad address, bad file descriptor, interrupted, no such process, would block
LinkAt: access denied, bad argument
MakeAt: access denied, no space left
MapFile: access denied
Mount: access denied, not permitted
Open: no space left, not permitted, text file busy
Pidfd: bad argument
Pipe: limit reached
Read: bad address, broken pipe, canceled, interrupted, server failed
ReadlinkAt: access denied
RenameAt: access denied
SetAt: access denied, not permitted, text file busy, too big
StatAt: access denied
StatTo: access denied, bad address, name too long
StatfsAt: access denied
Syslog: bad address
Timerfd: not permitted
Umount: access denied, not permitted
UnlinkAt: access denied
Write: access denied, bad address, interrupted, page must be fetched
`
