package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aramid/proto/ctx"
	"aramid/proto/ipc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

func (c *client) script() *servertest.Script {
	return &servertest.Script{Methods: vfs.Service[*server.Ctx](nil).Methods, Plain: c.vfs.H, Fail: c.w.Fail,
		Close: func(h uabi.Handle) { c.want("close", c.k.Close(h), uabi.OK) }}
}

// Each testdata/*.script holds at every crash.
func TestScriptsHoldAtEveryCrash(t *testing.T) {
	for name, text := range servertest.Scripts(t) {
		t.Run(name, func(t *testing.T) {
			sweep(t, someFiles, 7, func(w *world) {
				w.client(func(c *client) { c.script().Run(c.t, text) })
			})
		})
	}
}

func TestDamagedMessagesAreRefusedAndChangeNothing(t *testing.T) {
	sweep(t, someFiles, 11, func(w *world) {
		w.client(func(c *client) {
			s := c.script()
			s.Damaged(c.t, c.vfs.H, 1)
			f := c.open("/aligned", 0, 0, uabi.OK)
			s.Damaged(c.t, f.H, 2)
			c.reads(f, 4, "page")
			c.close(f)
		})
	})
}

// user and admin are who run testdata/user/*.script and testdata/admin/*.script: aliens of that uid and gid, whose calls a small linuxabi
// makes. admin has all capabilities that vfsd asks procd for, but is not root.
const (
	user  = 1000
	admin = 2000
)

func TestScriptsOfAUserHoldAtEveryCrash(t *testing.T)   { aliens(t, "testdata/user", user) }
func TestScriptsOfAnAdminHoldAtEveryCrash(t *testing.T) { aliens(t, "testdata/admin", admin) }

// aliens runs each script of a directory.
func aliens(t *testing.T, dir string, id uint64) {
	files, err := filepath.Glob(filepath.Join(dir, "*.script"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		t.Run(filepath.Base(f), func(t *testing.T) {
			ran := 0
			sweep(t, someFiles, 7, func(w *world) { w.alien(id, lines, &ran) })
			if ran < len(lines) {
				t.Errorf("%d lines of %d ran", ran, len(lines))
			}
		})
	}
}

// alien runs the lines of a script, each in a system call of an alien.
func (w *world) alien(id uint64, lines []string, ran *int) {
	s := servertest.Script{Methods: vfs.Service[*server.Ctx](nil).Methods, Plain: uabi.BootVFS, Fail: w.Fail}
	w.syscalls(id, len(lines), func(k *uksim.Native, lane *ipc.Lane, i int) {
		s.Close = func(h uabi.Handle) { k.Close(h) }
		s.Line(lane, strings.TrimSpace(lines[i]))
		*ran++
	})
}

// syscalls makes an alien that makes n system calls, and a small linuxabi that has do carry them out. The alien leads session 1, and its
// files are limited (stubLimit).
func (w *world) syscalls(id uint64, n int, do func(k *uksim.Native, lane *ipc.Lane, i int)) *uksim.Alien {
	const thread = uabi.BootInitrd // a boot handle that it has no other use for
	w.Register("abi", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		words := [uabi.ContextWords]uint64{ctx.Tgid: 1, ctx.Ppid: ctx.FileLimit, ctx.UID: id | id<<32, ctx.Pgrp: 1 | 1<<32}
		k.ThreadContext(thread, &words)
		lane := ipc.Lane{K: k, Rank: uabi.RankLinux}
		b := k.Buf()
		for k.Receive(uabi.BootEndpoint, uabi.NoDeadline) == uabi.OK {
			if b.In.Kind != uabi.KindTrap {
				continue
			}
			i := int(b.In.Regs.RAX)
			lane.Begin()
			do(k, &lane, i)
			if i+1 == n { // the last call does not return: the alien has nothing else to do
				ev, _ := k.EventCreate(uabi.BootAccount)
				k.EventWait(ev, 1, uabi.NoDeadline, uabi.NoDeadline)
			}
			*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
			k.Reply()
		}
	})
	p := w.Spawn(uksim.Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi", Kept: keptSize, Below: []string{"vfsd"}})
	a := w.NewAlien(w.NewSpace(), p.Endpoint(), func(a *uksim.Alien) {
		for i := range n {
			a.Syscall(uint64(i))
		}
	})
	p.Install(thread, a, uabi.RightsAll)
	return a
}
