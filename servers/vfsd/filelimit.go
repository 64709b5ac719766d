package main

import (
	"math"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// fileLimit is how many bytes the caller's files may get (RLIMIT_FSIZE, getrlimit(2)).
func fileLimit(c *server.Ctx) uint64 {
	if c.Context(ctx.Ppid)&ctx.FileLimit == 0 {
		return math.MaxUint64
	}
	var l proc.LimitReply
	if err := (proc.Client{H: uabi.BootProc}).Limit(c, &proc.LimitRequest{Resource: unix.RLIMIT_FSIZE}, &l); err != uabi.OK {
		return math.MaxUint64
	}
	return l.Soft
}

// limited is how much of a write of n > 0 bytes at pos the caller's limit lets through. ErrLimit: nothing.
func limited(c *server.Ctx, pos int64, n uint64) (uint64, uabi.Error) {
	limit := fileLimit(c)
	if uint64(pos) >= limit {
		return 0, uabi.ErrLimit
	}
	return min(n, limit-uint64(pos)), uabi.OK
}

// mayGrow is ErrLimit if a file of from bytes would grow beyond the caller's limit with to bytes.
func mayGrow(c *server.Ctx, from, to int64) uabi.Error {
	if to > from && uint64(to) > fileLimit(c) {
		return uabi.ErrLimit
	}
	return uabi.OK
}
