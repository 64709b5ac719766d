package syscall

import (
	"bytes"
	"strings"
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// bootLog boots and returns what the log says and the status, if the machine ended.
func bootLog(archive []byte, line string) (log string, off bool, status uint32) {
	Boot(bootImage(archive, line))
	return string(fake.M.Log), fake.M.Off, fake.M.Status
}

func TestWhatIsMissingAtBootIsNamedAndEndsTheMachine(t *testing.T) {
	end := cpioEntry(nil, cpioTrailer, 0, nil, 4)
	noELF := cpioEntry(nil, rootdName, 0o100755, []byte("#!/bin/sh\n"), arch.PageSize)
	for name, c := range map[string]struct {
		archive []byte
		line    string
		says    string
		status  uint32
	}{
		"no archive":      {nil, "", "boot archive is missing or damaged", statusArchive},
		"damaged archive": {[]byte(strings.Repeat("x", 4096)), "", "boot archive is missing or damaged", statusArchive},
		"no rootd":        {cpioEntry(cpioEntry(nil, "mmd", 0o100755, []byte("x"), 4), cpioTrailer, 0, nil, 4), "", "no file called rootd", statusArchive},
		"no ELF":          {append(noELF, end...), "", "rootd is no static x86-64 ELF program", statusArchive},
		"unknown word":    {rootdArchive(), "trace=on colour=red", "unknown word on the command line: colour=red", statusCmdline},
	} {
		log, off, status := bootLog(c.archive, c.line)
		if !off || status != c.status || !strings.Contains(log, c.says) || !strings.HasSuffix(log, "\n") {
			t.Errorf("%s: off %v, status %d, log:\n%s", name, off, status, log)
		}
	}
}

func TestRootdFindsItsBootHandlesAndTheCommandLine(t *testing.T) {
	Boot(bootImage(rootdArchive(), "aramid.run=/hello"))
	w := &world{t: t, c: leave()}
	if w.c == nil || w.c.Regs.RIP != 0x401000 || w.c.Regs.RSP%16 != 0 {
		t.Fatalf("rootd does not start: %s", fake.M.Log)
	}
	for h, want := range map[uabi.Handle]uabi.Type{
		uabi.BootProcess: uabi.TypeProcess, uabi.BootSpace: uabi.TypeSpace, uabi.BootAccount: uabi.TypeAccount, uabi.BootEndpoint: uabi.TypeEndpoint,
		uabi.BootKept: uabi.TypeMemory, uabi.BootArchive: uabi.TypeMemory, uabi.BootConfig: uabi.TypeMemory, uabi.BootPorts: uabi.TypePort,
		uabi.BootIRQ: uabi.TypePort, uabi.BootPower: uabi.TypePort,
	} {
		if got := w.must("info", uabi.CallHandleInfo, uint64(h)) >> 32; got != uint64(want) {
			t.Errorf("boot handle %d has type %d, want %d", h, got, want)
		}
	}
	if _, err := w.call(uabi.CallHandleInfo, uint64(uabi.BootInitrd)); err != uabi.ErrHandle {
		t.Errorf("an initrd without one given: %v", err)
	}
	var line [32]byte
	m, err := w.thread().Proc.GetMemory(uabi.BootConfig, uabi.RightRead)
	if err != uabi.OK {
		t.Fatal(err)
	}
	if n, err := m.Read(0, line[:]); err != uabi.OK || !bytes.HasPrefix(line[:n], []byte("aramid.run=/hello\x00")) {
		t.Errorf("command line %q, %v", line[:n], err)
	}
}

// dieAndLeave makes rootd's image end itself and returns the context that runs next.
func dieAndLeave(c *arch.Context) *arch.Context {
	c.Regs.Vector, c.Regs.RAX, c.Regs.RDI = hw.VecSyscall, sysExitGroup, 3
	return Enter(c)
}

func TestRootdIsStartedAgainAtOnceThenLaterThenNotAnyMore(t *testing.T) {
	Boot(bootImage(rootdArchive(), ""))
	c := leave()
	kept := rootd.p.Table.Count()
	if c = dieAndLeave(c); c == nil {
		t.Fatal("the first death is followed by a pause")
	}
	if got := rootd.p.Table.Count(); got != kept {
		t.Errorf("%d handles before, %d after", kept, got)
	}
	for deaths := 2; deaths < maxDeaths; deaths++ {
		before := fake.M.NS
		c = dieAndLeave(c)
		for c == nil && fake.M.NS < before+calmTime {
			fake.M.NS += millisecond
			c = idleTick()
		}
		if want := uint64(firstDelay) << (deaths - 2); fake.M.NS-before < want || fake.M.NS-before > want+10*millisecond {
			t.Errorf("death %d: started again after %d ms, want %d", deaths, (fake.M.NS-before)/millisecond, want/millisecond)
		}
		if fake.M.Off {
			t.Fatalf("gave up at death %d", deaths)
		}
	}
	dieAndLeave(c)
	if !fake.M.Off || fake.M.Status != statusRootd || !strings.Contains(string(fake.M.Log), "too often") {
		t.Errorf("off %v status %d:\n%s", fake.M.Off, fake.M.Status, fake.M.Log)
	}
}

// idleTick is a timer interrupt of an idle CPU.
func idleTick() *arch.Context {
	var idle arch.Context
	idle.Regs.Vector = hw.VecTimer
	return Enter(&idle)
}

func TestARootdThatLivedLongEnoughMayDieAgain(t *testing.T) {
	Boot(bootImage(rootdArchive(), ""))
	c := leave()
	for range 3 * maxDeaths {
		fake.M.NS += calmTime + millisecond
		if c = dieAndLeave(c); c == nil || fake.M.Off {
			t.Fatalf("rootd is not started again:\n%s", fake.M.Log)
		}
	}
}
