package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Port is a right to a device: a range of I/O ports, or what else boot handles of that type stand for (What is package
// syscall's word).
type Port struct {
	node
	First, Count uint32
	What         uint32
}

var ports object.Pool[Port]

// NewPort makes one with one reference. ErrNoMem.
func NewPort(a *object.Account, first, count, what uint32) (*Port, uabi.Error) {
	p := ports.Get(a)
	if p == nil {
		return nil, uabi.ErrNoMem
	}
	p.Header.Start(uabi.TypePort, a)
	p.First, p.Count, p.What = first, count, what
	return p, uabi.OK
}

// destroy frees a port range that nothing names.
func (p *Port) destroy() { ports.Put(p, p.Stop()) }
