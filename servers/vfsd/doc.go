// Command vfsd is the file server: names, inodes, open files, pipes, devices and the console.
//
// # Three kinds of badge
//
// vfsd's endpoint is called through the plain handle (path calls; the caller's fs context is the alien's context word ctx.Fs),
// through an fs context's badge, and through an open file's. One counter numbers both kinds of badge, and mounts, pipes and file systems.
//
// # Contents
//
// A regular file's bytes are in a memory object, the page cache: read and write have the kernel copy between it and the caller's
// grant, so that contents never pass through this process or its journal. A file of the image (package base) has none: it is read where it lies
// in the initrd, and when it is mapped or changed its memory becomes a copy-on-write clone of those pages (or a copy, where they are not aligned).
//
// # State
//
// The names are package tree's, the terminal's rules package tty's, the text of /proc package procfs's. The root file system is an overlay: the image below,
// what has changed since above. Only the latter is state. The image is mapped and read outside of the journal: it is not an input but a constant.
//
// sysfs and cgroup2 exist once, however often they are mounted. Their nodes are inodes as all others, with owners, modes and watchers; the text of a file
// is made when it is read (made.go), from package sysfs, or from package cgroupfs and procd, whose ids name the groups.
//
// # Readiness
//
// A pipe and the terminal have one event each; its bits are poll(2)'s. Invariant: after each request the level of an event is what poll(2)
// would say, so that a wait needs no raise number but only the level.
package main
