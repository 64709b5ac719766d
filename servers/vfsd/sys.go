package main

import (
	"path"

	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/sysfs"
	"aramid/servers/vfsd/tree"
)

// maxCPUs is how many processors the kernel runs (ukernel/arch/amd64.MaxCPUs).
const maxCPUs = 8

// fillSys makes what is in /sys.
func (k *call) fillSys(root *tree.Inode) {
	m := sysfs.Machine{CPUs: int(k.cfg.Machine.CPUs), MaxCPUs: maxCPUs, Console: "ttyS0"}
	for _, d := range deviceNodes {
		m.Devices = append(m.Devices, sysfs.Device{Name: d.name, Major: unix.Major(d.rdev), Minor: unix.Minor(d.rdev), Mode: d.mode})
	}
	dirs := map[string]*tree.Inode{".": root}
	for _, n := range sysfs.Tree(m) {
		i := k.tree.Add(dirs[path.Dir(n.Path)], path.Base(n.Path), n.Mode, 0, n.Text, k.env.Now)
		switch i.Type() {
		case unix.S_IFDIR:
			dirs[n.Path] = i
		case unix.S_IFREG:
			i.Text, i.Size = sysfs.Text, sysfs.Size
		}
	}
}
