package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Status of the machine when it ends for want of something to run, beside what rootd gives to CallPowerOff.
const (
	statusArchive = 2 // boot archive or rootd missing or damaged
	statusCmdline = 3 // unknown word on the kernel command line
	statusMemory  = 4 // too little memory to start rootd
	statusRootd   = 5 // rootd keeps dying
)

// Rebirth of rootd: at once, then after delays that double, and when maxDeaths came less than calmTime apart the machine
// ends. Short against a person's patience, long against a crash loop that only fills the log.
const (
	firstDelay  = 100 * millisecond
	maxDeaths   = 8
	calmTime    = 60_000 * millisecond
	keptSize    = 4 << 20 // of rootd's journal and snapshots, bytes
	reservePer  = 64      // one frame in so many is kept for servers,
	minReserve  = 1024    // but so many, which a server's image needs to start,
	maxReserve  = 4096    // at most so many
	mostReserve = 8       // and no more than one in so many
	rootdName   = "rootd"
)

// rootd is the machine's first process, and where its image lies in the archive.
var rootd struct {
	p         *ipc.Process
	archive   *vm.Memory
	off, len  uint64
	deaths    uint64 // in a row, less than calmTime apart
	lastStart uint64 // ns
}

// config is what the kernel took from its command line.
var config bootConfig

// Boot makes the root account, the boot objects and rootd, and starts it. Once, on the boot CPU, after frame.Init, with the
// kernel lock held. What is missing ends the machine with a line that says so.
func Boot(bi *hw.BootInfo) {
	config = parseCmdline(physBytes(bi.CmdLine.Base, bi.CmdLine.Len))
	if config.bad != nil {
		ktrace.Text("ukernel: unknown word on the command line: ")
		ktrace.Bytes(config.bad)
		ktrace.Newline()
		endMachine(statusCmdline)
		return
	}
	if config.trace {
		ktrace.Mask = ktrace.BitsAll
	}
	if config.watchdogMS != 0 {
		ipc.SetHangLimit(config.watchdogMS * millisecond)
	}
	free := frame.FreeCount()
	frame.SetReserve(min(max(free/reservePer, minReserve), free/mostReserve, maxReserve))
	initPorts()
	readClock()
	off, n, ok, damaged := cpioFind(physBytes(bi.Archive.Base, bi.Archive.Len), rootdName)
	switch {
	case damaged:
		failBoot("the boot archive is missing or damaged", statusArchive)
		return
	case !ok:
		failBoot("the boot archive has no file called rootd", statusArchive)
		return
	}
	rootd.off, rootd.len = off, n
	if err := makeRootd(bi); err != uabi.OK {
		failBoot("too little memory to make rootd", statusMemory)
		return
	}
	startRootd()
}

// failBoot ends the machine.
func failBoot(why string, status uint32) {
	ktrace.Line(why)
	endMachine(status)
}

// makeRootd makes rootd's process with its boot handles.
func makeRootd(bi *hw.BootInfo) uabi.Error {
	if err := vm.Init(); err != uabi.OK {
		return err
	}
	root := object.NewAccount(nil, 0, 0)
	if root == nil {
		return uabi.ErrNoMem
	}
	root.Reserve = true
	var name [len(rootdName)]byte
	copy(name[:], rootdName)
	p, err := ipc.NewProcess(root, uabi.RankRoot, uabi.ProcessServer, name[:])
	if err != uabi.OK {
		return err
	}
	rootd.p = p
	e, err := ipc.NewEndpoint(root, uabi.RankRoot)
	if err != uabi.OK {
		return err
	}
	kept, err := vm.NewMemory(root, keptSize, 0)
	if err != uabi.OK {
		return err
	}
	line, err := cmdlineMemory(root, bi)
	if err != uabi.OK {
		return err
	}
	if rootd.archive, err = vm.NewPhys(root, bi.Archive.Base, pageUp(bi.Archive.Len)); err != uabi.OK {
		return err
	}
	clock, err := makeClockPage(root)
	if err != uabi.OK {
		return err
	}
	const readOnly = uabi.RightRead | uabi.RightMap | uabi.RightTransfer
	g := giver{p: p}
	g.give(uabi.BootProcess, &p.Header, uabi.RightsAll)
	g.give(uabi.BootAccount, &root.Header, uabi.RightsAll)
	g.give(uabi.BootEndpoint, &e.Header, uabi.RightsAll)
	g.give(uabi.BootKept, &kept.Header, uabi.RightsAll)
	g.give(uabi.BootConfig, &line.Header, readOnly)
	g.give(uabi.BootArchive, &rootd.archive.Header, readOnly)
	g.give(uabi.BootPorts, &ports.Header, uabi.RightsAll)
	g.give(uabi.BootIRQ, &irqRight.Header, uabi.RightsAll)
	g.give(uabi.BootPower, &powerRight.Header, uabi.RightsAll)
	g.give(uabi.BootClock, &clock.Header, readOnly)
	if bi.Initrd.Len != 0 && g.err == uabi.OK {
		initrd, err := vm.NewPhys(root, bi.Initrd.Base, pageUp(bi.Initrd.Len))
		if err != uabi.OK {
			return err
		}
		g.give(uabi.BootInitrd, &initrd.Header, readOnly)
	}
	return g.err
}

// giver installs boot handles until one fails.
type giver struct {
	p   *ipc.Process
	err uabi.Error
}

//go:noinline
func (g *giver) give(slot uabi.Handle, obj *object.Header, rights uint32) {
	if g.err == uabi.OK {
		g.err = g.p.InstallAt(slot, obj, nil, rights)
	}
}

// cmdlineMemory makes BootConfig: the kernel's whole command line and a NUL.
func cmdlineMemory(a *object.Account, bi *hw.BootInfo) (*vm.Memory, uabi.Error) {
	m, err := vm.NewMemory(a, bi.CmdLine.Len+1, 0)
	if err != uabi.OK || bi.CmdLine.Len == 0 {
		return m, err
	}
	n, err := m.Write(0, physBytes(bi.CmdLine.Base, bi.CmdLine.Len))
	if err == uabi.OK && uint64(n) != bi.CmdLine.Len {
		err = uabi.ErrNoMem
	}
	return m, err
}

// startRootd puts a fresh image of rootd in place; its first thread runs at once.
func startRootd() {
	t := loadRootd()
	if t != nil {
		ready(t)
	}
}

// loadRootd is startRootd with the first thread left blocked; nil: the machine has ended.
func loadRootd() *ipc.Thread {
	rootd.lastStart = arch.Now()
	t, err := loadThread(rootd.p, rootd.archive, rootd.off, rootd.len, nil)
	switch err {
	case uabi.OK:
		return t
	case uabi.ErrNoExec, uabi.ErrArg:
		failBoot("rootd is no static x86-64 ELF program", statusArchive)
	default:
		failBoot("too little memory to start rootd", statusMemory)
	}
	return nil
}

// checkRootd starts rootd again if it has died: at once the first time, later when its first thread has slept a delay that
// doubles each time. Its handles, kept memory and unanswered calls are still there. true: it did.
func checkRootd() bool {
	if rootd.p == nil || rootd.p.State != uabi.ProcessDead {
		return false
	}
	if arch.Now()-rootd.lastStart > calmTime {
		rootd.deaths = 0
	}
	rootd.deaths++
	ktrace.Text("ukernel: rootd died with status ")
	ktrace.Dec(rootd.p.ExitStatus)
	if rootd.deaths >= maxDeaths {
		ktrace.Text(" too often")
		ktrace.Newline()
		endMachine(statusRootd)
		rootd.p = nil
		return false
	}
	delay := uint64(0)
	if rootd.deaths > 1 {
		delay = firstDelay << (rootd.deaths - 2)
	}
	ktrace.Text("; starting it again in ms: ")
	ktrace.Dec(delay / millisecond)
	ktrace.Newline()
	ktrace.Rare(ktrace.EvRestart, 0, rootd.deaths, delay, 0)
	t := loadRootd()
	switch {
	case t == nil:
		rootd.p = nil
	case delay == 0:
		ready(t)
	default:
		ipc.Sleep(t, after(delay), 0)
	}
	return true
}
