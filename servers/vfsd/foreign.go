package main

import (
	"fmt"
	"slices"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Files of other servers (sockets) in epoll files. A member leaves the kernel's wait set by itself when its event dies; what is noted here
// of it goes when the file's server says that it is gone.

// foreignBits are the bits that such a file's event may have: all of poll(2)'s.
const foreignBits = 1<<16 - 1

// foreignName is what /proc/PID/fd shows of such a file: id is as procd was told (vfs.PollReply.id).
func foreignName(id uint64) string { return fmt.Sprintf("socket:[%d]", id&^(1<<43)) }

// Forget implements vfs.Handler.
func (h *VFSD) Forget(c *server.Ctx, in *vfs.ForgetRequest, out *vfs.EmptyReply) uabi.Error {
	for _, id := range h.epolls {
		if e := h.opens.Get(id); e != nil {
			e.Watches = slices.DeleteFunc(e.Watches, func(w *state.Watch) bool { return w.Open == in.Id })
		}
	}
	return uabi.OK
}
