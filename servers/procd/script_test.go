package main

import (
	"strings"
	"testing"

	"aramid/proto/proc"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
)

// sysScript is a system call of the test's handler that runs a line of a script.
const sysScript = 400

// script runs a script's lines (servertest.Script), each in a system call of the program.
func (p *program) script(text string) {
	for l := range strings.Lines(text) {
		p.w.lines = append(p.w.lines, strings.TrimSpace(l))
		p.a.Syscall(sysScript, uint64(len(p.w.lines)-1))
	}
}

func (h *handler) script(line uint64) {
	if h.lines == nil {
		h.lines = &servertest.Script{Methods: proc.Service[*server.Ctx](nil).Methods, Plain: uabi.BootProc, Fail: h.w.Fail,
			Close: func(x uabi.Handle) { h.k.Close(x) }}
	}
	if line == damagedLine {
		h.lines.Damaged(&h.lane, uabi.BootProc, 1)
		return
	}
	h.lines.Line(&h.lane, h.w.lines[line])
}

// Each testdata/*.script, run by a child of process 1 with a descriptor 0, holds at every crash.
func TestScriptsHoldAtEveryCrash(t *testing.T) {
	for name, text := range servertest.Scripts(t) {
		t.Run(name, func(t *testing.T) {
			sweep(t, 7, 0, func(p *program) {
				p.fork(0, 0, 17, func(p *program) uint64 {
					p.sys("install", sysInstall, 0)
					p.script(text)
					return 0
				})
				p.sys("wait", sysWait, 0, 0, 4)
				p.exit(0)
			}, said())
		})
	}
}

func TestDamagedMessagesAreRefusedAndChangeNothing(t *testing.T) {
	sweep(t, 11, 0, func(p *program) {
		p.sys("damaged", sysScript, damagedLine)
		p.sys("ids", sysIDs)
		p.exit(0)
	}, said())
}

// damagedLine stands for what is no line: damaged messages.
const damagedLine = 1 << 20
