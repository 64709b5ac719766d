package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// port is a right to devices: a range of I/O ports, or, with an empty range, one of the two rights below, known by its
// address. Only the kernel makes them, at boot; they are never freed.
type port struct {
	object.Header
	base, count uint32
}

const allPorts = 1 << 16

var (
	ports      port // BootPorts
	irqRight   port // BootIRQ
	powerRight port // BootPower
)

// initPorts starts the three; once, at boot. Their own reference is never dropped.
func initPorts() {
	ports = port{base: 0, count: allPorts}
	irqRight, powerRight = port{}, port{}
	ports.Start(uabi.TypePort, nil)
	irqRight.Start(uabi.TypePort, nil)
	powerRight.Start(uabi.TypePort, nil)
}

// irqLines is the number of interrupt lines.
const irqLines = 16

// irqCreate is CallIRQCreate.
func irqCreate(t *ipc.Thread, r *uabi.Regs, right *port, e *ipc.Event) (uint64, uabi.Error) {
	if right != &irqRight {
		return 0, uabi.ErrType
	}
	bits, err := word(r.R10)
	if err != uabi.OK || bits == 0 || r.RSI >= irqLines {
		return 0, uabi.ErrArg
	}
	i, err := ipc.NewIRQ(t.Proc.Acct, uint32(r.RSI), e, bits)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &i.Header, uabi.RightsAll)
}

// portRange checks that p allows width bytes at port number n.
//
//go:noinline
func portRange(p *port, n, width uint64) uabi.Error {
	base, count := uint64(p.base), uint64(p.count)
	if width != 1 && width != 2 && width != 4 || n < base || n >= base+count || width > base+count-n {
		return uabi.ErrArg
	}
	return uabi.OK
}

// portIn is CallPortIn.
func portIn(r *uabi.Regs, p *port) (uint64, uabi.Error) {
	if err := portRange(p, r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	return uint64(arch.In(uint16(r.RSI), int(r.RDX))), uabi.OK
}

// portOut is CallPortOut.
func portOut(r *uabi.Regs, p *port) (uint64, uabi.Error) {
	if err := portRange(p, r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	v, err := word(r.R10)
	if err != uabi.OK {
		return 0, err
	}
	arch.Out(uint16(r.RSI), int(r.RDX), v)
	return 0, uabi.OK
}

// maxPortBuffer bounds the bytes that one call moves through a port: each is a device access.
const maxPortBuffer = 4096

// portScratch carries them; guarded by the kernel lock.
var portScratch [maxPortBuffer]byte

// portBuffer is CallPortInBuf and CallPortOutBuf: (ports, port, buf, len, and for reads the width of each access, 0 for 1).
func portBuffer(t *ipc.Thread, r *uabi.Regs, p *port, out bool) (uint64, uabi.Error) {
	width := uint64(1)
	if !out && r.R8 != 0 {
		width = r.R8
	}
	if err := portRange(p, r.RSI, width); err != uabi.OK {
		return 0, err
	}
	if r.R10&(width-1) != 0 {
		return 0, uabi.ErrArg
	}
	if err := userRange(r.RDX, r.R10); err != uabi.OK {
		return 0, err
	}
	b := portScratch[:min(r.R10, maxPortBuffer)]
	if len(b) == 0 {
		return 0, uabi.OK
	}
	if out {
		n, err := t.Space.Read(r.RDX, b)
		if err != uabi.OK {
			return 0, err
		}
		for _, c := range b[:n] {
			arch.Out(uint16(r.RSI), 1, uint32(c))
		}
		return uint64(n), uabi.OK
	}
	// What a device hands out is gone: make sure that it can be stored before asking for it.
	if _, err := t.Space.Resolve(r.RDX, true); err != uabi.OK {
		return 0, err
	}
	if _, err := t.Space.Resolve(r.RDX+uint64(len(b))-1, true); err != uabi.OK {
		return 0, err
	}
	v := uint32(0)
	for i := range b {
		if uint64(i)&(width-1) == 0 {
			v = arch.In(uint16(r.RSI), int(width))
		}
		b[i] = byte(v)
		v >>= 8
	}
	n, err := t.Space.Write(r.RDX, b)
	return uint64(n), err
}
