package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// What uname(2) says beside the host name. The release is the Linux whose interface this is.
const (
	sysName = "Linux"
	release = "6.1.0-aramid"
	version = "#1 SMP Aramid"
	machine = "x86_64"
	linux32 = "i686" // to who asked for it by personality(2)
)

func uname(t *Trap) int64 {
	var out proc.UtsReply
	if err := t.l.proc.Uts(t, &proc.UtsRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	var persona proc.PersonaReply
	if err := t.l.proc.Persona(t, &proc.PersonaRequest{}, &persona); err != uabi.OK {
		return t.status(err)
	}
	hw := machine
	if persona.Persona&personaLinux32 != 0 {
		hw = linux32
	}
	var w abi.Writer
	for _, s := range [...]string{sysName, out.Hostname, release, version, hw, out.Domainname} {
		w.Text(s, abi.UtsField)
	}
	return t.write(t.arg(0), w.B)
}

func sethostname(t *Trap) int64 {
	return t.setName(func(in *proc.UtsRequest, s *string) { in.Hostname = s })
}
func setdomainname(t *Trap) int64 {
	return t.setName(func(in *proc.UtsRequest, s *string) { in.Domainname = s })
}

func (t *Trap) setName(put func(*proc.UtsRequest, *string)) int64 {
	n := t.arg32(1)
	if n < 0 || n >= abi.UtsField {
		return errno(unix.EINVAL)
	}
	b := make([]byte, n)
	if e := t.read(t.arg(0), b); n > 0 && e != 0 {
		return e
	}
	s := string(b)
	in := &proc.UtsRequest{}
	put(in, &s)
	return t.status(t.l.proc.Uts(t, in, &proc.UtsReply{}))
}

func sysinfo(t *Trap) int64 {
	var i uabi.SystemInfo
	if err := t.K.SystemInfo(&i); err != uabi.OK {
		return t.status(err)
	}
	var list proc.ListReply
	if err := t.l.proc.List(t, &proc.ListRequest{}, &list); err != uabi.OK {
		return t.status(err)
	}
	var w abi.Writer
	w.U64(i.UptimeNS / abi.Second)
	w.Pad(3 * 8) // load averages
	w.U64(i.FramesTotal * 4096)
	w.U64(i.FramesFree * 4096)
	w.Pad(4 * 8) // shared, buffers, swap
	w.U16(uint16(len(list.Pids)))
	w.Pad(6 + 2*8) // high memory
	w.U32(1)       // mem_unit
	w.Pad(abi.SysinfoSize - len(w.B))
	return t.write(t.arg(0), w.B)
}

func getrandom(t *Trap) int64 {
	const known = unix.GRND_NONBLOCK | unix.GRND_RANDOM | unix.GRND_INSECURE
	if f := t.arg(2); f&^known != 0 || f&(unix.GRND_RANDOM|unix.GRND_INSECURE) == unix.GRND_RANDOM|unix.GRND_INSECURE {
		return errno(unix.EINVAL)
	}
	const most = 256 // of one native call
	n := min(t.arg(1), maxRW)
	b := t.bytes(most)
	for done := uint64(0); done < n; {
		k := min(n-done, most)
		t.K.Random(b[:k])
		got, _ := t.K.AlienWrite(t.arg(0)+done, b[:k]) // up to where the buffer ends
		if done += uint64(got); uint64(got) < k {
			if done > 0 {
				return int64(done)
			}
			return errno(unix.EFAULT)
		}
	}
	return int64(n)
}

// Arch_prctl codes.
const (
	archSetGS = 0x1001
	archSetFS = 0x1002
	archGetFS = 0x1003
	archGetGS = 0x1004
)

func archPrctl(t *Trap) int64 {
	r := t.in.Regs
	switch t.arg(0) {
	case archSetFS, archSetGS:
		if t.arg(1) >= uabi.MaxUser {
			return errno(unix.EPERM)
		}
		if t.arg(0) == archSetFS {
			r.FSBase = t.arg(1)
		} else {
			r.GSBase = t.arg(1)
		}
		r.RAX = 0
		t.setRegs(&r)
		return pending
	case archGetFS:
		return t.write(t.arg(1), le.AppendUint64(nil, r.FSBase))
	case archGetGS:
		return t.write(t.arg(1), le.AppendUint64(nil, r.GSBase))
	}
	return errno(unix.EINVAL)
}

func prlimit(t *Trap) int64 { return t.limit(t.arg32(0), t.arg(1), t.arg(2), t.arg(3)) }
func getrlimit(t *Trap) int64 {
	if v := t.limit(0, t.arg(0), 0, t.arg(1)); v != 0 || t.arg(1) != 0 {
		return v
	}
	return errno(unix.EFAULT)
}
func setrlimit(t *Trap) int64 {
	if t.arg(1) == 0 {
		return errno(unix.EFAULT)
	}
	return t.limit(0, t.arg(0), t.arg(1), 0)
}

func (t *Trap) limit(pid int32, resource, newVA, oldVA uint64) int64 {
	in := proc.LimitRequest{Pid: pid, Resource: uint32(resource)}
	if newVA != 0 {
		b := t.bytes(abi.RlimitSize)
		if e := t.read(newVA, b[:]); e != 0 {
			return e
		}
		in.Set, in.Soft, in.Hard = true, le.Uint64(b[:]), le.Uint64(b[8:])
		if in.Soft > in.Hard {
			return errno(unix.EINVAL)
		}
	}
	var out proc.LimitReply
	if err := t.l.proc.Limit(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if oldVA == 0 {
		return 0
	}
	return t.write(oldVA, le.AppendUint64(le.AppendUint64(nil, out.Soft), out.Hard))
}

// What personality(2) takes and gives.
const (
	personaQuery   = 0xffffffff
	personaLinux32 = 8
)

func personality(t *Trap) int64 {
	in := proc.PersonaRequest{Persona: uint32(t.arg(0))}
	in.Set = in.Persona != personaQuery
	var out proc.PersonaReply
	err := t.l.proc.Persona(t, &in, &out)
	if err == uabi.ErrArg {
		t.gap(unix.SYS_PERSONALITY, "persona")
	}
	return t.result(int64(out.Persona), err)
}

// reboot: the machine goes off; a restart too, as under a virtual machine monitor that does not start again (qemu -no-reboot).
// CAD_OFF and CAD_ON only choose what Ctrl-Alt-Del does, which this machine has not.
func reboot(t *Trap) int64 {
	const magic1, magic2, magic2a, magic2b, magic2c = 0xfee1dead, 672274793, 85072278, 369367448, 537993216
	if e := t.capable(unix.CAP_SYS_BOOT); e != 0 {
		return e
	}
	switch uint32(t.arg(1)) {
	case magic2, magic2a, magic2b, magic2c:
	default:
		return errno(unix.EINVAL)
	}
	if uint32(t.arg(0)) != magic1 {
		return errno(unix.EINVAL)
	}
	switch uint32(t.arg(2)) {
	case unix.LINUX_REBOOT_CMD_CAD_OFF, unix.LINUX_REBOOT_CMD_CAD_ON:
		return 0
	case unix.LINUX_REBOOT_CMD_POWER_OFF, unix.LINUX_REBOOT_CMD_HALT, unix.LINUX_REBOOT_CMD_RESTART, unix.LINUX_REBOOT_CMD_RESTART2:
		return t.status(t.K.PowerOff(uabi.BootPower, 0))
	}
	return errno(unix.EINVAL)
}
