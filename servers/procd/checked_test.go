package main

import (
	"bytes"
	"fmt"

	"aramid/proto/ipc"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// checked is a dispatcher that watches its handlers: one that answers an error or a wait, and a look-up, leaves the state alone.
type checked struct {
	ipc.Dispatcher[*server.Ctx]
	methods []ipc.Method
	state   server.State
	fail    func(string)
}

func check(s server.Spec, fail func(string)) server.Spec {
	s.Service.Dispatch = &checked{s.Service.Dispatch, s.Service.Methods, s.State, fail}
	return s
}

// Dispatch implements ipc.Dispatcher.
func (d *checked) Dispatch(c *server.Ctx, method uint32, b *uk.Buffer) uabi.Error {
	before := d.state.Save()
	err := d.Dispatcher.Dispatch(c, method, b)
	if m := d.methods[method-1]; (err != uabi.OK || !m.Mutates) && !bytes.Equal(before, d.state.Save()) {
		d.fail(fmt.Sprintf("%s answers %v and has changed the state", m.Name, err))
	}
	if p, ok := d.state.(*Procd); ok {
		if s := p.wrongSums(); s != "" {
			d.fail(fmt.Sprintf("after %s: %s", d.methods[method-1].Name, s))
		}
	}
	return err
}
