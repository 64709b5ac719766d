package main

import (
	"os"
	"path/filepath"
	"testing"

	"aramid/proto/mm"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
)

func (c *client) script() *servertest.Script {
	return &servertest.Script{Methods: mm.Service[*server.Ctx](nil).Methods, Plain: c.mm.H, Fail: c.w.Fail,
		Close: func(h uabi.Handle) { c.want("close", c.k.Close(h), uabi.OK) }}
}

// Each testdata/*.script holds at every crash.
func TestScriptsHoldAtEveryCrash(t *testing.T) {
	files, err := filepath.Glob("testdata/*.script")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(f), func(t *testing.T) { sweep(t, func(c *client) { c.script().Run(c.t, string(text)) }) })
	}
}

func TestDamagedMessagesAreRefusedAndChangeNothing(t *testing.T) {
	sweep(t, func(c *client) {
		c.script().Damaged(c.t, c.mm.H, 1)
		c.mapped(0, page, anon, uabi.OK)
	})
}
