package main

import (
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/tree"
)

// What the links below /proc/PID/ns lead to: files of a file system of their own (nsfs), which is mounted nowhere.

const (
	nsDev     = 4
	nsfsMagic = 0x6e736673 // NSFS_MAGIC
)

// namespaceOf is the namespace that a ref stands for.
func namespaceOf(r tree.Ref) (procfs.Node, bool) {
	n := procfs.FromNumber(r.Ino)
	return n, r.Synthetic() && n.Kind == procfs.NsFile
}
