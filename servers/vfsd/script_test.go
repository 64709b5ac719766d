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

// user is who runs testdata/user/*.script: an alien of that uid and gid, whose calls a small linuxabi makes.
const user = 1000

func TestScriptsOfAUserHoldAtEveryCrash(t *testing.T) {
	files, err := filepath.Glob("testdata/user/*.script")
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
			sweep(t, someFiles, 7, func(w *world) { w.alien(user, lines, &ran) })
			if ran < len(lines) {
				t.Errorf("%d lines of %d ran", ran, len(lines))
			}
		})
	}
}

// alien runs the lines of a script, each in a system call of an alien.
func (w *world) alien(id uint64, lines []string, ran *int) {
	const thread = uabi.BootInitrd // a boot handle that it has no other use for
	w.Register("abi", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		words := [uabi.ContextWords]uint64{ctx.UID: id | id<<32}
		k.ThreadContext(thread, &words)
		lane := ipc.Lane{K: k, Rank: uabi.RankLinux}
		s := servertest.Script{Methods: vfs.Service[*server.Ctx](nil).Methods, Plain: uabi.BootVFS, Fail: w.Fail, Close: func(h uabi.Handle) { k.Close(h) }}
		b := k.Buf()
		for k.Receive(uabi.BootEndpoint, uabi.NoDeadline) == uabi.OK {
			if b.In.Kind != uabi.KindTrap {
				continue
			}
			line := b.In.Regs.RAX
			lane.Begin()
			s.Line(&lane, strings.TrimSpace(lines[line]))
			*ran++
			if line+1 == uint64(len(lines)) { // the last call does not return: the alien has nothing else to do
				ev, _ := k.EventCreate(uabi.BootAccount)
				k.EventWait(ev, 1, uabi.NoDeadline, uabi.NoDeadline)
			}
			*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
			k.Reply()
		}
	})
	p := w.Spawn(uksim.Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi", Kept: keptSize, Below: []string{"vfsd"}})
	a := w.NewAlien(w.NewSpace(), p.Endpoint(), func(a *uksim.Alien) {
		for i := range lines {
			a.Syscall(uint64(i))
		}
	})
	p.Install(thread, a, uabi.RightsAll)
}
