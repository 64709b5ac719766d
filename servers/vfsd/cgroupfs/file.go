package cgroupfs

import "golang.org/x/sys/unix"

// File is a control file.
type File uint32

// The files. Numbers are kept in vfsd's state.
const (
	Procs File = 1 + iota
	Threads
	Controllers
	SubtreeControl
	Events
	Freeze
	Kill
	Type
	MaxDepth
	MaxDescendants
	Stat
	CPUStat
	PidsMax
	PidsCurrent
	PidsEvents
)

// Mask is a set of controllers.
type Mask uint32

// The controllers that exist, and their names in order of their bits.
const (
	Pids Mask = 1 << iota
	All       = Pids
)

var controllerNames = []string{"pids"}

// Entry is a file of a group's directory.
type Entry struct {
	Name string
	File File
	Mode uint32 // type and permissions

	controller Mask // 0: of every group
	notRoot    bool
}

const (
	ro = unix.S_IFREG | 0o444
	rw = unix.S_IFREG | 0o644
	wo = unix.S_IFREG | 0o200
)

var entries = []Entry{
	{"cgroup.procs", Procs, rw, 0, false},
	{"cgroup.threads", Threads, rw, 0, false},
	{"cgroup.controllers", Controllers, ro, 0, false},
	{"cgroup.subtree_control", SubtreeControl, rw, 0, false},
	{"cgroup.events", Events, ro, 0, true},
	{"cgroup.freeze", Freeze, rw, 0, true},
	{"cgroup.kill", Kill, wo, 0, true},
	{"cgroup.type", Type, rw, 0, true},
	{"cgroup.max.depth", MaxDepth, rw, 0, false},
	{"cgroup.max.descendants", MaxDescendants, rw, 0, false},
	{"cgroup.stat", Stat, ro, 0, false},
	{"cpu.stat", CPUStat, ro, 0, false},
	{"pids.max", PidsMax, rw, Pids, true},
	{"pids.current", PidsCurrent, ro, Pids, true},
	{"pids.events", PidsEvents, ro, Pids, true},
}

// Base lists the files that a group has whatever its controllers.
func Base(root bool) []Entry {
	return choose(func(e Entry) bool { return e.controller == 0 && !(root && e.notRoot) })
}

// Of lists the files that controllers add to a group that is not the root.
func Of(m Mask) []Entry { return choose(func(e Entry) bool { return e.controller&m != 0 }) }

func choose(want func(Entry) bool) (out []Entry) {
	for _, e := range entries {
		if want(e) {
			out = append(out, e)
		}
	}
	return out
}

// NameOf is a file's name.
func NameOf(f File) string { return entries[f-1].Name }
