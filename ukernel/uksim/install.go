package uksim

import "aramid/ukernel/uabi"

// Install puts a handle for an object at a boot slot, as rootd does before it starts a process.
func (p *Process) Install(slot uabi.Handle, o Object, rights uint32) { p.install(slot, o, rights) }

// NewMemory makes a memory object with that content.
func (s *Sim) NewMemory(content []byte) *Memory {
	m := s.newMemory(uint64(len(content)))
	s.adopt(m)
	ref(m)
	m.write(0, content)
	return m
}

// NewPorts makes what BootPorts names: all I/O ports.
func (s *Sim) NewPorts() *Port {
	p := &Port{}
	s.adopt(p)
	ref(p)
	return p
}

// NewRight makes what BootIRQ and BootPower name.
func (s *Sim) NewRight() Object {
	r := &right{}
	s.adopt(r)
	ref(r)
	return r
}
