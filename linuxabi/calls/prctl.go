package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

const commSize = 16 // TASK_COMM_LEN

// Options of prctl(2) that unix does not name, and values of those that it does.
const (
	prGetAuxv    = 0x41555856
	prSetVMA     = 0x53564d41
	prLastOption = 64 // of Linux 6.1's common ones

	timingStatistical = 0
	tscEnable         = 1
	mceKillDefault    = 2
)

// prctl answers what is about the machine itself and leaves the rest to procd.
func prctl(t *Trap) int64 {
	in := proc.SettingRequest{Option: uint32(t.arg(0)), A: t.arg(1), B: t.arg(2)}
	switch in.Option {
	case unix.PR_SET_NAME:
		var e int64
		if in.Text, e = t.comm(); e != 0 {
			return e
		}
	case unix.PR_SET_NO_NEW_PRIVS, unix.PR_SET_THP_DISABLE, unix.PR_CAP_AMBIENT:
		if t.arg(3)|t.arg(4) != 0 || in.Option != unix.PR_CAP_AMBIENT && in.B != 0 {
			return errno(unix.EINVAL)
		}
	case unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_THP_DISABLE:
		if in.A|in.B|t.arg(3)|t.arg(4) != 0 {
			return errno(unix.EINVAL)
		}
	case unix.PR_SET_MM:
		if e := t.checkSetMM(&in); e != 0 {
			return e
		}
	case unix.PR_GET_TIMING:
		return timingStatistical
	case unix.PR_SET_TIMING:
		if in.A != timingStatistical {
			return errno(unix.EINVAL)
		}
		return 0
	case unix.PR_GET_TSC:
		return t.write(in.A, le.AppendUint32(nil, tscEnable))
	case unix.PR_MCE_KILL_GET:
		if in.A|in.B|t.arg(3)|t.arg(4) != 0 {
			return errno(unix.EINVAL)
		}
		return mceKillDefault // no machine check reaches a process
	default:
		if !procdOption(in.Option) {
			return t.prctlGap(in.Option)
		}
	}
	var out proc.SettingReply
	if err := t.l.proc.Setting(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	switch in.Option {
	case unix.PR_GET_NAME:
		b := make([]byte, commSize)
		copy(b[:commSize-1], out.Text)
		return t.write(t.arg(1), b)
	case unix.PR_GET_PDEATHSIG, unix.PR_GET_CHILD_SUBREAPER:
		return t.write(t.arg(1), le.AppendUint32(nil, uint32(out.Value)))
	case unix.PR_GET_TID_ADDRESS:
		return t.write(t.arg(1), le.AppendUint64(nil, uint64(out.Value)))
	}
	return out.Value
}

// procdOption reports whether procd keeps what an option is about, with nothing to do here before it is asked.
func procdOption(option uint32) bool {
	switch option {
	case unix.PR_SET_PDEATHSIG, unix.PR_GET_PDEATHSIG, unix.PR_SET_DUMPABLE, unix.PR_GET_DUMPABLE, unix.PR_SET_KEEPCAPS,
		unix.PR_GET_KEEPCAPS, unix.PR_GET_NAME, unix.PR_SET_CHILD_SUBREAPER, unix.PR_GET_CHILD_SUBREAPER, unix.PR_SET_TIMERSLACK,
		unix.PR_GET_TIMERSLACK, unix.PR_CAPBSET_READ, unix.PR_CAPBSET_DROP, unix.PR_GET_SECUREBITS, unix.PR_SET_SECUREBITS,
		unix.PR_GET_TID_ADDRESS:
		return true
	}
	return false
}

// prctlGap answers an option that is not built, as a Linux configured without it, and counts it if there is one.
func (t *Trap) prctlGap(option uint32) int64 {
	switch {
	case option == unix.PR_SET_SECCOMP, option == unix.PR_GET_SECCOMP:
		t.gap(unix.SYS_PRCTL, "seccomp")
	case option == prSetVMA:
		t.gap(unix.SYS_PRCTL, "PR_SET_VMA")
	case option == unix.PR_SET_PTRACER:
		t.gap(unix.SYS_PRCTL, "PR_SET_PTRACER")
	case option != 0 && option <= prLastOption, option == prGetAuxv:
		t.gap(unix.SYS_PRCTL, "option")
	}
	return errno(unix.EINVAL)
}

// comm reads the name of PR_SET_NAME: what is too long is cut.
func (t *Trap) comm() (string, int64) {
	var b [commSize]byte
	n, err := t.K.AlienString(t.arg(1), b[:])
	if err == uabi.ErrSize {
		n, err = commSize-1, uabi.OK
	}
	if err != uabi.OK {
		return "", errno(unix.EFAULT)
	}
	return string(b[:n]), 0
}

// mappedAbove is 0 if there is a region that ends above va, whether or not it begins below, else -EFAULT.
func (t *Trap) mappedAbove(va uint64) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	var out mm.RegionsReply
	if err := m.Regions(t, &mm.RegionsRequest{After: va, Max: 1}, &out); err != uabi.OK {
		return t.status(err)
	}
	if len(out.Regions) == 0 {
		return errno(unix.EFAULT)
	}
	return 0
}

// checkSetMM is the part of PR_SET_MM that needs the caller's memory: strings and the stack must be in it. procd knows the fields.
func (t *Trap) checkSetMM(in *proc.SettingRequest) int64 {
	if t.arg(3)|t.arg(4) != 0 {
		return errno(unix.EINVAL)
	}
	if e := t.capable(unix.CAP_SYS_RESOURCE); e != 0 {
		return e
	}
	switch in.A {
	case unix.PR_SET_MM_START_STACK, unix.PR_SET_MM_ARG_START, unix.PR_SET_MM_ARG_END, unix.PR_SET_MM_ENV_START, unix.PR_SET_MM_ENV_END:
		if in.B < uabi.MinUser || in.B >= uabi.MaxUser {
			return errno(unix.EINVAL)
		}
		return t.mappedAbove(in.B)
	case unix.PR_SET_MM_START_BRK, unix.PR_SET_MM_BRK, unix.PR_SET_MM_EXE_FILE, unix.PR_SET_MM_AUXV, unix.PR_SET_MM_MAP:
		t.gap(unix.SYS_PRCTL, "PR_SET_MM beyond code, data, strings and stack")
		return errno(unix.EINVAL)
	}
	return 0
}
