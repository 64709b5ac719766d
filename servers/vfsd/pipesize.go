package main

import (
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// capSysResource is CAP_SYS_RESOURCE, which fs/pipe-max-size does not bind.
const capSysResource = 24

// holds is how many bytes a pipe holds: a power of two.
func holds(p *state.Pipe) uint64 {
	if p.Size == 0 {
		return pipeSize
	}
	return p.Size
}

// PipeSize implements vfs.Handler.
func (h *VFSD) PipeSize(c *server.Ctx, in *vfs.PipeSizeRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	p := h.pipes.Get(o.Pipe)
	if p == nil {
		return uabi.ErrBadFD
	}
	if in.Set {
		if err := h.begin(c, false).resizePipe(p, in.Size); err != uabi.OK {
			return err
		}
	}
	out.Count = int64(holds(p))
	return uabi.OK
}

// resizePipe is F_SETPIPE_SZ of fcntl(2): the bytes move to a ring of another size.
func (k *call) resizePipe(p *state.Pipe, want uint64) uabi.Error {
	if want > procfs.MaxPipe {
		return uabi.ErrArg
	}
	size, used := procfs.RoundPipe(want), p.Tail-p.Head
	switch {
	case size > holds(p) && size > k.pipeMax() && !k.unlimited():
		return uabi.ErrPerm
	case used > size:
		return uabi.ErrBusy
	}
	m, err := k.c.MemoryCreate(k.payer(), size, 0)
	if err != uabi.OK {
		return err
	}
	got, err := ring(p, p.Head, used, func(done, at, n uint64) (uint64, uabi.Error) {
		return k.c.MemoryCopy(m, done, uabi.Handle(p.Memory), at, n)
	})
	if err == uabi.OK && got < used {
		err = uabi.ErrNoMem
	}
	if err != uabi.OK {
		return err
	}
	k.c.Close(uabi.Handle(p.Memory))
	p.Memory, p.Size, p.Head, p.Tail = uint32(m), size, 0, used
	k.level(k.c, p, 0)
	return uabi.OK
}

// newPipeSize is what a new pipe of the caller's holds.
func (k *call) newPipeSize() uint64 {
	if most := k.pipeMax(); most < pipeSize && !k.unlimited() {
		return most
	}
	return pipeSize
}

// pipeMax is fs/pipe-max-size.
func (k *call) pipeMax() uint64 { return k.limit(procfs.PipeMax) }

// unlimited reports whether the caller has CAP_SYS_RESOURCE.
func (k *call) unlimited() bool {
	var cr proc.CredsReply
	return k.proc().Creds(k.c, &proc.PidRequest{}, &cr) == uabi.OK && cr.Effective>>capSysResource&1 != 0
}
