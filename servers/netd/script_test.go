package main

import (
	"testing"

	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
)

// Each testdata/*.script holds at every crash.
func TestScriptsHoldAtEveryCrash(t *testing.T) {
	for name, text := range servertest.Scripts(t) {
		t.Run(name, func(t *testing.T) {
			sweep(t, 7, func(w *world) {
				w.client(func(c *client) {
					s := servertest.Script{Methods: Spec().Service.Methods, Plain: c.net.H, Fail: w.Fail, Close: func(h uabi.Handle) { c.k.Close(h) }}
					s.Run(c.t, text)
				})
			})
		})
	}
}
