package main

import (
	"fmt"

	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// maker makes processes and remembers the first error.
type maker struct {
	k    uk.Kernel
	rank map[string]uint32 // by server name
	err  error
}

// take is h, or remembers why there is none.
func (m *maker) take(what string, h uabi.Handle, err uabi.Error) uabi.Handle {
	if err != uabi.OK && m.err == nil {
		m.err = fmt.Errorf("%s: %w", what, err)
	}
	return h
}

// check remembers an error.
func (m *maker) check(what string, err uabi.Error) { m.take(what, 0, err) }

// create makes a server's objects and process, not yet its image. endpoints are those of the servers made before.
func (m *maker) create(l line, f file, endpoint func(name string) uabi.Handle) (*entry, error) {
	m.err = nil
	k := m.k
	e := &entry{Name: l.name, Image: Image{uabi.BootArchive, f.off, f.len}}
	h, err := k.AccountCreate(uabi.BootAccount, 0, 0)
	e.Account = m.take("account", h, err)
	flags := uint32(0)
	if l.server {
		flags |= uabi.ProcessServer
	}
	h, err = k.ProcessCreate(e.Account, l.rank, flags, l.name)
	e.Process = m.take("process", h, err)
	h, err = k.EndpointCreate(e.Account, l.rank)
	e.Endpoint = m.take("endpoint", h, err)
	h, err = k.MemoryCreate(e.Account, keptSize, 0)
	e.Kept = m.take("kept memory", h, err)
	h, err = k.EventCreate(e.Account)
	e.Control = m.take("control event", h, err)
	if m.err == nil {
		m.check("control event", k.Bind(e.Endpoint, e.Control, server.ControlKey, server.ControlSnapshot))
	}
	e.Args = m.args(e.Account, l)
	if m.err == nil {
		m.give(e, l, endpoint)
	}
	if m.err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, m.err)
	}
	return e, nil
}

// args makes the argument block: the name as argv[0], no environment.
func (m *maker) args(account uabi.Handle, l line) uabi.Handle {
	b := append([]byte(l.name), 0, 0)
	h, err := m.k.MemoryCreate(account, uint64(len(b)), 0)
	h = m.take("arguments", h, err)
	if m.err == nil {
		_, err = m.k.MemoryWrite(h, 0, b)
		m.check("arguments", err)
	}
	return h
}

// give fills the process's boot handles.
func (m *maker) give(e *entry, l line, endpoint func(string) uabi.Handle) {
	const callOnly = uabi.RightCall | uabi.RightTransfer
	put := func(slot, h uabi.Handle, rights uint32) {
		m.check(fmt.Sprintf("boot handle %d", slot), m.k.ProcessGive(e.Process, uint32(slot), h, rights))
	}
	put(uabi.BootProcess, e.Process, uabi.RightRead)
	put(uabi.BootAccount, e.Account, uabi.RightsAll)
	put(uabi.BootEndpoint, e.Endpoint, uabi.RightsAll)
	put(uabi.BootKept, e.Kept, uabi.RightsAll)
	for _, h := range append(l.boot, uabi.BootConfig) {
		_, rights, _, err := m.k.HandleInfo(h)
		if err == uabi.ErrHandle && h == uabi.BootInitrd {
			continue // the machine was started without one
		}
		m.check(fmt.Sprintf("boot handle %d", h), err)
		put(h, h, rights)
	}
	for _, name := range l.below {
		put(endpointSlot(m.rank[name]), endpoint(name), callOnly)
	}
}
