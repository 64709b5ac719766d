package main

import (
	"encoding/binary"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Character devices (Linux's Documentation/admin-guide/devices.txt).
var (
	devNull    = unix.Mkdev(1, 3)
	devZero    = unix.Mkdev(1, 5)
	devFull    = unix.Mkdev(1, 7)
	devRandom  = unix.Mkdev(1, 8)
	devUrandom = unix.Mkdev(1, 9)
	devTTY     = unix.Mkdev(5, 0)
	devConsole = unix.Mkdev(5, 1)
	devSerial  = unix.Mkdev(4, 64)
	devPtmx    = unix.Mkdev(5, 2)
	devKmsg    = unix.Mkdev(1, 11)
)

// checkDevice says what kind of open file a device node gives, if there is such a device.
func (k *call) checkDevice(typ uint32, rdev uint64) (vfs.Kind, uabi.Error) {
	if typ != unix.S_IFCHR {
		return 0, uabi.ErrNoDevice
	}
	switch rdev {
	case devNull, devZero, devFull, devRandom, devUrandom, devKmsg:
		return vfs.Kind_DEVICE, uabi.OK
	case devConsole, devSerial, devTTY, devPtmx:
		return vfs.Kind_TTY, uabi.OK
	}
	if unix.Major(rdev) == ptsMajor {
		return vfs.Kind_TTY, uabi.OK
	}
	return 0, uabi.ErrNoDevice
}

// maxRandom bounds one read of random bytes; getrandom(2) promises 256 without interruption.
const maxRandom = 4096

func (h *VFSD) readDevice(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	want := c.GrantLen(0)
	var err uabi.Error
	var got uint64
	switch h.tree.Inode(o.At.Ino).Rdev {
	case devZero, devFull:
		for got < want && err == uabi.OK {
			var n uint64
			n, err = c.MemoryToGrant(0, got, uabi.Handle(h.top.Zero), 0, min(want-got, zeroSize))
			got += n
		}
	case devRandom, devUrandom:
		b := h.random(c, int(min(want, maxRandom)))
		var n int
		n, err = c.GrantWrite(0, 0, b)
		got = uint64(n)
	}
	if err != uabi.OK && got == 0 {
		return err
	}
	out.Count = int64(got)
	return uabi.OK
}

// zeroSize is the memory that /dev/zero copies from.
const zeroSize = 64 << 10

// random expands a seed from the kernel, so that only the seed is an input.
func (h *VFSD) random(c *server.Ctx, n int) []byte {
	var seed [32]byte
	for i := range len(seed) / 8 {
		binary.LittleEndian.PutUint64(seed[8*i:], c.Rand64())
	}
	b := h.scratch[:n]
	rand.NewChaCha8(seed).Read(b)
	return b
}

func (h *VFSD) writeDevice(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	if h.tree.Inode(o.At.Ino).Rdev == devFull {
		return uabi.ErrNoSpace
	}
	out.Count = int64(c.GrantLen(0))
	return uabi.OK
}

// Poll implements vfs.Handler.
func (h *VFSD) Poll(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PollReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	event, err := h.readiness(o)
	if err != uabi.OK {
		return err
	}
	level, seq, err := c.EventRead(uabi.Handle(event))
	if err != uabi.OK {
		return err
	}
	out.Level, out.Seq, out.Event = level&pollBits, seq, event
	return uabi.OK
}

// pollBits are the bits of an event that poll(2) knows.
const pollBits = unix.POLLIN | unix.POLLPRI | unix.POLLOUT | unix.POLLERR | unix.POLLHUP

// Requests of random(4).
const (
	rndGetCount   = 0x80045200 // RNDGETENTCNT
	rndAddCount   = 0x40045201 // RNDADDTOENTCNT
	rndAddEntropy = 0x40085203 // RNDADDENTROPY
	rndClear      = 0x5206     // RNDCLEARPOOL
	rndReseed     = 0x5207     // RNDRESEEDCRNG
	poolBits      = 256
)

// deviceIoctl is the ioctl(2) of devices that are no terminals: the pool of random numbers is always full, and only root may touch it.
func (h *VFSD) deviceIoctl(c *server.Ctx, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	if r := h.tree.Inode(o.At.Ino).Rdev; r != devRandom && r != devUrandom {
		return uabi.ErrNoTTY
	}
	switch in.Cmd {
	case rndGetCount:
		return give32(out, poolBits)
	case rndAddCount, rndAddEntropy, rndClear, rndReseed:
		if h.begin(c, false).env.UID != 0 {
			return uabi.ErrPerm
		}
		return uabi.OK
	}
	return uabi.ErrArg
}
