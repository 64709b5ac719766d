package calls

import (
	"aramid/linuxabi/vdso"
	"aramid/ukernel/uabi"
)

// vdso is the memory object with the vDSO, made when first asked for; 0 where there is no clock page.
func (l *Linux) vdso() uabi.Handle {
	if l.vdsoMem != 0 {
		return l.vdsoMem
	}
	if _, _, err := l.k.MemorySize(uabi.BootClock); err != uabi.OK {
		return 0
	}
	m, err := l.k.MemoryCreate(uabi.BootAccount, vdso.Size, 0)
	if err != uabi.OK {
		return 0
	}
	if n, err := l.k.MemoryWrite(m, 0, vdso.Build()); err != uabi.OK || n != vdso.Size {
		l.k.Close(m)
		return 0
	}
	l.vdsoMem = m
	return m
}
