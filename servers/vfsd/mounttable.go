package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// mountTable is /proc/PID/mounts, mountinfo or mountstats: the mounts of the process's namespace that its root reaches
// (proc_pid_mountinfo(5), Linux's fs/proc_namespace.c).
func (k *call) mountTable(pid int32, kind procfs.Kind) (string, uabi.Error) {
	f := k.context(pid)
	if f == nil {
		return "", uabi.ErrArg
	}
	var b strings.Builder
	env := tree.Env{Root: tree.FromPb(f.Root), NS: f.Ns, Synth: k}
	for _, m := range k.tree.Mounts() {
		if m.Ns != f.Ns {
			continue
		}
		path, ok := k.tree.MountPath(&env, m)
		if !ok {
			continue
		}
		path = procfs.Escape(path)
		fs := k.tree.FSByID(m.Fs)
		switch kind {
		case procfs.PidMounts:
			fmt.Fprintf(&b, "%s %s %s %s%s%s%s 0 0\n", escape(m.Source), path, fs.Type, rw(m.Flags|fs.Flags), superOptions(fs), mountOptions(m.Flags), fs.Options)
		case procfs.PidMountinfo:
			fmt.Fprintf(&b, "%d %d 0:%d %s %s %s%s%s - %s %s %s%s%s\n", m.Id, max(m.Parent, 1), firstDev+fs.Id,
				procfs.Escape(k.tree.RootPath(&env, m)), path, rw(m.Flags), mountOptions(m.Flags), k.peers(&env, m),
				fs.Type, escape(m.Source), rw(fs.Flags), superOptions(fs), fs.Options)
		default:
			fmt.Fprintf(&b, "device %s mounted on %s with fstype %s\n", escape(m.Source), path, fs.Type)
		}
	}
	return b.String(), uabi.OK
}

// peers are mountinfo's optional fields.
func (k *call) peers(env *tree.Env, m *state.Mount) (s string) {
	if m.Peer != 0 {
		s += fmt.Sprintf(" shared:%d", m.Peer)
	}
	if m.Master != 0 {
		s += fmt.Sprintf(" master:%d", m.Master)
		if from := k.tree.Dominating(env, m); from != 0 && from != m.Master {
			s += fmt.Sprintf(" propagate_from:%d", from)
		}
	}
	if m.Unbindable {
		s += " unbindable"
	}
	return s
}

func rw(flags uint64) string {
	if flags&unix.MS_RDONLY != 0 {
		return "ro"
	}
	return "rw"
}

// named says which flags are up, each with a comma before its name.
func named(flags uint64, names []flagName) (s string) {
	for _, n := range names {
		if flags&n.flag != 0 {
			s += "," + n.name
		}
	}
	return s
}

type flagName struct {
	flag uint64
	name string
}

func superOptions(f *state.FileSystem) string {
	return named(f.Flags, []flagName{
		{unix.MS_SYNCHRONOUS, "sync"}, {unix.MS_DIRSYNC, "dirsync"}, {unix.MS_MANDLOCK, "mand"}, {unix.MS_LAZYTIME, "lazytime"},
	})
}

func mountOptions(flags uint64) string {
	return named(flags, []flagName{
		{unix.MS_NOSUID, "nosuid"}, {unix.MS_NODEV, "nodev"}, {unix.MS_NOEXEC, "noexec"}, {unix.MS_NOATIME, "noatime"},
		{unix.MS_NODIRATIME, "nodiratime"}, {unix.MS_RELATIME, "relatime"}, {msNoSymfollow, "nosymfollow"},
	})
}

const msNoSymfollow = 0x100

// tellsMounts reports whether a node's text is a namespace's mounts, whose change poll(2) tells.
func tellsMounts(ino uint64) bool {
	if ino < tree.SyntheticBase {
		return false
	}
	k := procfs.FromNumber(ino).Kind
	return k == procfs.PidMounts || k == procfs.PidMountinfo || k == procfs.PidMountstats
}

// openTable gives an open file of a mount table an event of its own, and remembers whose mounts it tells of.
func (k *call) openTable(at tree.Ref, o *state.Open) uabi.Error {
	if !tellsMounts(at.Ino) || o.Flags&unix.O_PATH != 0 {
		return uabi.OK
	}
	f := k.context(procfs.FromNumber(at.Ino).Pid)
	if f == nil {
		return uabi.ErrArg
	}
	event, err := k.c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	o.Event, o.Space = uint32(event), f.Ns
	k.setLevel(k.c, o, unix.POLLIN)
	return uabi.OK
}

// mountsChanged tells everybody who polls a mount table of a namespace that has changed. A table that is read is known again.
func (h *VFSD) mountsChanged(c *server.Ctx) {
	changed := h.tree.TakeChanged()
	if len(changed) == 0 {
		return
	}
	for _, o := range h.opens.Values() {
		for _, ns := range changed {
			if o.Space == ns && o.Event != 0 {
				c.EventUpdate(uabi.Handle(o.Event), 0, 0, o.Level&changedBits)
				h.setLevel(c, o, o.Level|changedBits)
			}
		}
	}
}
