package main

import (
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
	for name, text := range servertest.Scripts(t) {
		t.Run(name, func(t *testing.T) { sweep(t, func(c *client) { c.script().Run(c.t, text) }) })
	}
}

func TestDamagedMessagesAreRefusedAndChangeNothing(t *testing.T) {
	sweep(t, func(c *client) {
		c.script().Damaged(c.t, c.mm.H, 1)
		c.mapped(0, page, anon, uabi.OK)
	})
}
