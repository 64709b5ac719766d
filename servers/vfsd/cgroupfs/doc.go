// Package cgroupfs has the pure part of the cgroup2 file system: which files a group has, what may be written to them, their text, and
// the rules of the hierarchy (Linux's Documentation/admin-guide/cgroup-v2.rst and kernel/cgroup/cgroup.c). Which processes are where is
// procd's; the directories and their owners are the tree's.
//
// # Controllers
//
// Only those are offered whose files tell the truth and whose limits bind: pids. It is a threaded controller, as on Linux: a group with
// processes may enable it, and is then a thread root ("domain threaded") whose children can hold no processes ("domain invalid").
// Threaded groups cannot be made.
package cgroupfs
