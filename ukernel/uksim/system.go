package uksim

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Limits of system calls, in bytes (uabi/calls.go).
const (
	maxRandom = 256
	maxLog    = 1024
)

// IRQ raises an event when its line fires (Sim.Interrupt).
type IRQ struct {
	object
	line   uint32
	ev     *Event
	bits   uint32
	masked bool
	missed bool
}

func (q *IRQ) kind() uabi.Type { return uabi.TypeIRQ }
func (q *IRQ) free() {
	unref(q.ev)
	for i, x := range q.sim.irqs {
		if x == q {
			q.sim.irqs = append(q.sim.irqs[:i], q.sim.irqs[i+1:]...)
			return
		}
	}
}

// Port is a range of I/O ports.
type Port struct{ object }

func (p *Port) kind() uabi.Type { return uabi.TypePort }
func (p *Port) free()           {}

// right is what BootPower and BootIRQ name.
type right struct{ object }

func (r *right) kind() uabi.Type { return uabi.TypeIRQ }
func (r *right) free()           {}

// SetPorts gives the machine devices: f is called for each port access; for reads v is 0 and the result counts.
func (s *Sim) SetPorts(f func(out bool, port uint16, width int, v uint32) uint32) { s.ports = f }

// Interrupt fires an interrupt line.
func (s *Sim) Interrupt(line uint32) {
	for _, q := range s.irqs {
		if q.line != line {
			continue
		}
		if q.masked {
			q.missed = true
			continue
		}
		q.masked = true
		q.ev.update(0, 0, q.bits)
	}
}

// IRQCreate is uk.Kernel's.
func (k *Native) IRQCreate(h uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	k.enter("irq.create")
	if _, e := get[*right](k, h, 0); e != uabi.OK {
		return 0, e
	}
	ev, e := get[*Event](k, event, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	q := &IRQ{line: line, ev: ev, bits: bits}
	k.sim.adopt(q)
	ref(ev)
	k.sim.irqs = append(k.sim.irqs, q)
	return k.give(q, uabi.RightsAll)
}

// IRQAck is uk.Kernel's.
func (k *Native) IRQAck(h uabi.Handle) uabi.Error {
	k.enter("irq.ack")
	q, e := get[*IRQ](k, h, 0)
	if e != uabi.OK {
		return e
	}
	q.masked = false
	if q.missed {
		q.missed = false
		k.sim.Interrupt(q.line)
	}
	return uabi.OK
}

// portAccess checks a port call and makes it.
func (k *Native) portAccess(h uabi.Handle, out bool, port uint16, width int, v uint32) (uint32, uabi.Error) {
	if _, e := get[*Port](k, h, 0); e != uabi.OK {
		return 0, e
	}
	if width != 1 && width != 2 && width != 4 {
		return 0, uabi.ErrArg
	}
	if k.sim.ports == nil {
		return ^uint32(0), uabi.OK
	}
	return k.sim.ports(out, port, width, v), uabi.OK
}

// PortIn is uk.Kernel's.
func (k *Native) PortIn(ports uabi.Handle, port uint16, width int) (uint32, uabi.Error) {
	k.enter("port.in")
	return k.portAccess(ports, false, port, width, 0)
}

// PortOut is uk.Kernel's.
func (k *Native) PortOut(ports uabi.Handle, port uint16, width int, v uint32) uabi.Error {
	k.enter("port.out")
	_, e := k.portAccess(ports, true, port, width, v)
	return e
}

// leave stores a call's RAX in its receipt.
func leave(r *uk.Receipt, v uint64, e uabi.Error) {
	if r[0] = v; e != uabi.OK {
		r[0] = uint64(-int64(e))
	}
}

// IRQCreateOnce is uk.Kernel's.
func (k *Native) IRQCreateOnce(r *uk.Receipt, right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	h, e := k.IRQCreate(right, line, event, bits)
	leave(r, uint64(h), e)
	return h, e
}

// PortInOnce is uk.Kernel's.
func (k *Native) PortInOnce(r *uk.Receipt, ports uabi.Handle, port uint16, width int) (uint32, uabi.Error) {
	v, e := k.PortIn(ports, port, width)
	leave(r, uint64(v), e)
	return v, e
}

// PortOutBufOnce is uk.Kernel's.
func (k *Native) PortOutBufOnce(r *uk.Receipt, ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	n, e := k.PortOutBuf(ports, port, b)
	leave(r, uint64(n), e)
	return n, e
}

// PortInBuf is uk.Kernel's.
func (k *Native) PortInBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	k.enter("port.inbuf")
	for i := range b {
		v, e := k.portAccess(ports, false, port, 1, 0)
		if e != uabi.OK {
			return 0, e
		}
		b[i] = byte(v)
	}
	return len(b), uabi.OK
}

// PortOutBuf is uk.Kernel's.
func (k *Native) PortOutBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	k.enter("port.outbuf")
	for _, v := range b {
		if _, e := k.portAccess(ports, true, port, 1, uint32(v)); e != uabi.OK {
			return 0, e
		}
	}
	return len(b), uabi.OK
}

// Clock is uk.Kernel's.
func (k *Native) Clock(clock uint32) (uint64, uabi.Error) {
	k.enter("clock")
	switch clock {
	case uabi.ClockMonotonic:
		return k.sim.now, uabi.OK
	case uabi.ClockRealtime:
		return k.sim.realtime + k.sim.now, uabi.OK
	}
	return 0, uabi.ErrArg
}

// ClockSet is uk.Kernel's.
func (k *Native) ClockSet(power uabi.Handle, ns uint64) uabi.Error {
	k.enter("clock.set")
	if _, e := get[*right](k, power, 0); e != uabi.OK {
		return e
	}
	k.sim.realtime = ns - k.sim.now
	return uabi.OK
}

// Barrier is uk.Kernel's: there is one CPU.
func (k *Native) Barrier() { k.enter("barrier") }

// Random is uk.Kernel's: bytes of the seed's stream.
func (k *Native) Random(b []byte) (int, uabi.Error) {
	k.enter("random")
	if len(b) > maxRandom {
		return 0, uabi.ErrArg
	}
	for i := range b {
		b[i] = byte(k.sim.rng.Uint32())
	}
	return len(b), uabi.OK
}

// Log is uk.Kernel's.
func (k *Native) Log(line []byte) (int, uabi.Error) {
	k.enter("log")
	if len(line) > maxLog {
		return 0, uabi.ErrArg
	}
	k.sim.log = append(k.sim.log, string(line))
	k.sim.note(k.name, "logs: "+string(line), 0, 0)
	return len(line), uabi.OK
}

// SystemInfo is uk.Kernel's.
func (k *Native) SystemInfo(info *uabi.SystemInfo) uabi.Error {
	k.enter("system")
	*info = uabi.SystemInfo{CPUs: 1, UptimeNS: k.sim.now, TSCHz: 1e9}
	for i, n := range k.sim.live {
		info.Objects[i] = uint64(n)
	}
	for _, p := range k.sim.procs {
		info.Handles += uint64(p.table.count)
	}
	return uabi.OK
}

// Trace is uk.Kernel's: there is no kernel ring here.
func (k *Native) Trace(power uabi.Handle, from uint64, out []uabi.TraceRecord) (int, uint64, uabi.Error) {
	k.enter("trace")
	return 0, from, uabi.OK
}

// PowerOff is uk.Kernel's: the run ends.
func (k *Native) PowerOff(power uabi.Handle, status uint64) uabi.Error {
	k.enter("poweroff")
	if _, e := get[*right](k, power, 0); e != uabi.OK {
		return e
	}
	k.sim.power, k.sim.off, k.sim.ended = status, true, true
	panic(unwind{})
}

// PoweredOff says whether the machine was switched off, and with which status.
func (s *Sim) PoweredOff() (status uint64, off bool) { return s.power, s.off }

// Panic is uk.Kernel's: the run fails.
func (k *Native) Panic(power uabi.Handle, what uint32) uabi.Error {
	k.enter("panic")
	k.sim.Fail("kernel panic %d asked for by %s", what, k.name)
	panic(unwind{})
}
