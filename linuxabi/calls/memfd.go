package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// maxMemfdName is the longest name of a memfd: what "memfd:" leaves of NAME_MAX.
const maxMemfdName = 249

func memfdCreate(t *Trap) int64 {
	flags := t.arg32(1)
	if flags&unix.MFD_HUGETLB != 0 {
		t.gap(unix.SYS_MEMFD_CREATE, "MFD_HUGETLB")
		return errno(unix.EINVAL)
	}
	if flags&^(unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING) != 0 {
		return errno(unix.EINVAL)
	}
	name, e := t.path(t.arg(0), true)
	if e == errno(unix.ENAMETOOLONG) || len(name) > maxMemfdName {
		return errno(unix.EINVAL)
	}
	if e != 0 {
		return e
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Memfd(t, &vfs.MemfdRequest{Name: name, Flags: uint32(flags)}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.MFD_CLOEXEC != 0)
}

// seals is fcntl(2)'s F_ADD_SEALS and F_GET_SEALS.
func (t *Trap) seals(add bool) int64 {
	h, kind, e := t.opened(t.arg32(0))
	if e != 0 {
		return e
	}
	if kind != vfs.Kind_FILE {
		return errno(unix.EINVAL)
	}
	in := vfs.SealsRequest{Add: add, Seals: uint32(t.arg(2))}
	if add && in.Seals&unix.F_SEAL_WRITE != 0 {
		in.Mapped = t.remember(func() uint64 { return 1 + t.sharesFile(h) }) > 1
	}
	var out vfs.CountReply
	err := vfs.Client{H: h}.Seals(t, &in, &out)
	if add {
		return t.status(err)
	}
	return t.result(out.Count, err)
}

// Parts of a region's tag (servers/mmd/layout).
const tagFile = 1<<48 - 1

// sharesFile is 1 if the caller has a shared mapping of the file, else 0. Mappings of other processes are not looked at.
func (t *Trap) sharesFile(h uabi.Handle) uint64 {
	var s vfs.Stat
	if t.l.vfs.StatAt(t, &vfs.PathRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)}, &s) != uabi.OK {
		return 0
	}
	ino := s.Ino
	m, err := t.memory()
	if err != uabi.OK {
		return 0
	}
	for after := uint64(0); ; {
		var out mm.RegionsReply
		if m.Regions(t, &mm.RegionsRequest{After: after}, &out) != uabi.OK || len(out.Regions) == 0 {
			return 0
		}
		for _, r := range out.Regions {
			if r.Shared && r.Tag&tagFile == ino {
				return 1
			}
			after = r.Addr + r.Len
		}
	}
}
