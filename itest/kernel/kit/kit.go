// Package kit is what the programs below itest/kernel share: they run as rootd, or as a process that rootd started, with no
// server in the machine.
package kit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Check ends the machine with status 1 if err is not OK. what says what failed.
func Check(what string, err uabi.Error) {
	if err == uabi.OK {
		return
	}
	Fail(what + ": " + err.Error())
}

// Fail ends the machine with status 1. A process without the power right only prints.
func Fail(why string) {
	fmt.Println("FAILED:", why)
	var k uk.Real
	k.PowerOff(uabi.BootPower, 1)
}

// PowerOff ends the machine with status 0.
func PowerOff() {
	var k uk.Real
	Check("power off", k.PowerOff(uabi.BootPower, 0))
}

// Number is the value of the word name=N on the kernel command line, or def.
func Number(k uk.Kernel, name string, def uint64) uint64 {
	size, _, err := k.MemorySize(uabi.BootConfig)
	Check("config", err)
	b := make([]byte, size)
	_, err = k.MemoryRead(uabi.BootConfig, 0, b)
	Check("config", err)
	line, _, _ := bytes.Cut(b, []byte{0})
	for _, word := range strings.Fields(string(line)) {
		if v, ok := strings.CutPrefix(word, name+"="); ok {
			n, err := strconv.ParseUint(v, 0, 64)
			if err != nil {
				Fail("bad word " + word)
			}
			return n
		}
	}
	return def
}

// Layout of a cpio(5) header in the newc format.
const (
	cpioHeader = 110
	cpioSize   = 54
	cpioName   = 94
	cpioField  = 8
	cpioRead   = 512
)

// FindFile says where a file lies in the boot archive, in bytes.
func FindFile(k uk.Kernel, file string) (off, n uint64) {
	h := make([]byte, cpioRead)
	for {
		got, err := k.MemoryRead(uabi.BootArchive, off, h)
		Check("archive", err)
		if got < cpioHeader {
			Check("archive", uabi.ErrNotFound)
		}
		size := hex(h[cpioSize:])
		nameLen := hex(h[cpioName:])
		name, _, _ := bytes.Cut(h[cpioHeader:], []byte{0})
		data := (off + cpioHeader + nameLen + 3) &^ 3
		if string(name) == file {
			return data, size
		}
		if nameLen == 0 || string(name) == "TRAILER!!!" {
			Check("archive", uabi.ErrNotFound)
		}
		off = (data + size + 3) &^ 3
	}
}

func hex(b []byte) uint64 {
	n, err := strconv.ParseUint(string(b[:cpioField]), 16, 64)
	if err != nil {
		Check("archive", uabi.ErrDecode)
	}
	return n
}

// Child describes a process that runs the same program as rootd.
type Child struct {
	Name    string
	Rank    uint32
	Account uabi.Handle
	Args    []string
	Give    []Give
}

// Give is a boot handle of a child.
type Give struct {
	Slot, Handle uabi.Handle
	Rights       uint32
}

// Start makes the process and starts it.
func (c *Child) Start(k uk.Kernel) uabi.Handle {
	off, n := FindFile(k, "rootd")
	p, err := k.ProcessCreate(c.Account, c.Rank, 0, c.Name)
	Check("create a process", err)
	for _, g := range c.Give {
		Check(fmt.Sprint("give handle ", g.Slot), k.ProcessGive(p, uint32(g.Slot), g.Handle, g.Rights))
	}
	text := []byte(strings.Join(append([]string{c.Name}, c.Args...), "\x00") + "\x00")
	args, err := k.MemoryCreate(uabi.BootAccount, uint64(len(text)), 0)
	Check("make arguments", err)
	_, err = k.MemoryWrite(args, 0, text)
	Check("write arguments", err)
	Check("start "+c.Name, k.ProcessStart(p, uabi.BootArchive, off, n, args))
	k.Close(args)
	return p
}
