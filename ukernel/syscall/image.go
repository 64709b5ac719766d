package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// startImage loads the ELF file at [off, off+n) of m and puts it in place of p's image. On an error the old image, if any,
// runs on; but for ErrNoMem for the first thread, which comes after it has ended.
func startImage(p *ipc.Process, m *vm.Memory, off, n uint64, args *vm.Memory) uabi.Error {
	t, err := loadThread(p, m, off, n, args)
	if err != uabi.OK {
		return err
	}
	ready(t)
	return uabi.OK
}

// loadThread is startImage with the first thread left blocked.
func loadThread(p *ipc.Process, m *vm.Memory, off, n uint64, args *vm.Memory) (*ipc.Thread, uabi.Error) {
	img, err := loadImage(p.Acct, m, off, n, args, nameOf(p))
	if err != uabi.OK {
		return nil, err
	}
	if err = ensureSlots(p); err != uabi.OK {
		img.space.Release()
		return nil, err
	}
	if p.State == uabi.ProcessRunning {
		flushLine(p)
	}
	p.Replace(img.space)
	*processState(p) = linuxProcess{}
	p.Close(uabi.BootSpace) // of the image before; ErrHandle at the first start
	err = p.InstallAt(uabi.BootSpace, &img.space.Header, nil, spaceRights)
	var t *ipc.Thread
	if err == uabi.OK {
		t, err = ipc.NewNative(p)
	}
	if err != uabi.OK {
		p.Die(0, false)
		return nil, err
	}
	ktrace.Rare(ktrace.EvProcessStart, t.TraceID(), p.ID, p.Starts, img.entry)
	userStart(&t.Ctx, img.entry, img.sp)
	return t, uabi.OK
}

// spaceRights are a process's rights on its own space.
const spaceRights = uabi.RightMap | uabi.RightRead | uabi.RightWrite

// ensureSlots makes p's own boot handle if nobody gave one, and with it the table page that holds the slot of its space.
func ensureSlots(p *ipc.Process) uabi.Error {
	err := p.InstallAt(uabi.BootProcess, &p.Header, nil, uabi.RightRead)
	if err == uabi.ErrExists {
		return uabi.OK
	}
	return err
}

// ready lets a new native thread run.
func ready(t *ipc.Thread) { sched.MakeReady(&t.Thread) }
