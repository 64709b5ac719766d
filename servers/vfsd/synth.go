package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/cgroupfs"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// procRoot is the number of /proc itself.
var procRoot = procfs.Node{Kind: procfs.Root}.Number(tree.SyntheticBase)

func number(n procfs.Node) uint64 { return n.Number(tree.SyntheticBase) }

// *call is the tree.Synth of procfs: what processes there are it asks procd.

// tgid is the caller's process id.
func (k *call) tgid() int32 { return int32(k.c.Context(ctx.Tgid)) }

// exists reports whether there is a process.
func (k *call) exists(pid int32) bool {
	var rep proc.IdentityReply
	return pid > 0 && k.proc().Identity(k.c, &proc.PidRequest{Pid: pid}, &rep) == uabi.OK
}

// Lookup implements tree.Synth.
func (k *call) Lookup(dir uint64, name string) (uint64, uabi.Error) {
	d := procfs.FromNumber(dir)
	for _, e := range procfs.Children(d) {
		if e.Name == name {
			return number(e.Node), uabi.OK
		}
	}
	v, err := strconv.ParseUint(name, 10, 22)
	if err != nil || len(name) > 1 && name[0] == '0' {
		return 0, uabi.ErrNotFound
	}
	switch d.Kind {
	case procfs.Root:
		if k.exists(int32(v)) {
			return number(procfs.Node{Kind: procfs.PidDir, Pid: int32(v)}), uabi.OK
		}
	case procfs.PidFdDir, procfs.PidFdinfoDir: // what is in them follows them in the list of kinds
		if o, id := k.fd(d.Pid, uint32(v)); o != nil || id != 0 {
			return number(procfs.Node{Kind: d.Kind + 1, Pid: d.Pid, N: uint32(v)}), uabi.OK
		}
	case procfs.TaskDir:
		var rep proc.StatusReply
		if v != 0 && k.proc().ThreadStatus(k.c, &proc.PidRequest{Pid: int32(v)}, &rep) == uabi.OK && rep.Pid == d.Pid {
			return number(procfs.Node{Kind: procfs.TidDir, Pid: d.Pid, N: uint32(v)}), uabi.OK
		}
	}
	return 0, uabi.ErrNotFound
}

// fd is the open file behind a descriptor of a process, or nil. Of a file of another server there is its number.
func (k *call) fd(pid int32, fd uint32) (o *state.Open, id uint64) {
	req := proc.FdGetRequest{Fd: int32(fd), Pid: pid}
	if pid == k.tgid() {
		req.Pid = 0
	}
	var rep proc.FdGetReply
	if err := k.proc().FdGet(k.c, &req, &rep); err != uabi.OK {
		return nil, 0
	}
	return k.opens.Get(k.c.BadgeOf(uabi.Handle(rep.File))), rep.Id
}

// Parent implements tree.Synth.
func (k *call) Parent(ino uint64) uint64 { return number(procfs.Parent(procfs.FromNumber(ino))) }

// Name implements tree.Synth.
func (k *call) Name(ino uint64) string { return procfs.Name(procfs.FromNumber(ino)) }

// Attr implements tree.Synth.
func (k *call) Attr(ino uint64) (tree.Attr, uabi.Error) {
	n := procfs.FromNumber(ino)
	a := tree.Attr{Mode: procfs.Mode(n), Nlink: 1, Strict: procfs.Strict(n)}
	if a.Mode&unix.S_IFMT == unix.S_IFDIR {
		a.Nlink = 2
	}
	if n.Pid == 0 || n.Kind == procfs.NsFile {
		return a, uabi.OK
	}
	if n.Kind == procfs.PidFd {
		a.Mode = k.fdMode(n)
	}
	if n.Pid == k.tgid() {
		a.UID, a.GID = k.env.UID, k.env.GID
		return a, uabi.OK
	}
	var s proc.StatusReply
	if err := k.proc().Status(k.c, &proc.PidRequest{Pid: n.Pid}, &s); err != uabi.OK {
		return a, uabi.ErrNotFound
	}
	a.UID, a.GID = s.Uid, s.Gid
	return a, uabi.OK
}

// fdMode is the mode of the link /proc/PID/fd/N: what the file was opened for.
func (k *call) fdMode(n procfs.Node) uint32 {
	mode := procfs.Mode(n)
	o, _ := k.fd(n.Pid, n.N)
	if o == nil || o.Flags&unix.O_PATH != 0 {
		return mode
	}
	if !readable(o) {
		mode &^= 0o400
	}
	if !writable(o) {
		mode &^= 0o200
	}
	return mode
}

// Link implements tree.Synth.
func (k *call) Link(ino uint64) (target string, at tree.Ref, jump bool, err uabi.Error) {
	n := procfs.FromNumber(ino)
	switch n.Kind {
	case procfs.Self:
		return strconv.Itoa(int(k.tgid())), at, false, uabi.OK
	case procfs.ThreadSelf:
		return fmt.Sprintf("%d/task/%d", k.tgid(), k.c.Context(ctx.Tid)), at, false, uabi.OK
	case procfs.MountsLink:
		return "self/mounts", at, false, uabi.OK
	case procfs.PidExe:
		if !k.may(n.Pid) {
			return "", at, false, uabi.ErrAccess
		}
		var s proc.StatusReply
		if err := k.proc().Status(k.c, &proc.PidRequest{Pid: n.Pid}, &s); err != uabi.OK {
			return "", at, false, uabi.ErrNotFound
		}
		return strings.Clone(s.Exe), at, false, uabi.OK
	case procfs.PidCwd, procfs.PidRoot:
		return k.place(n)
	case procfs.PidNs:
		if procfs.Namespaces[n.N-1].Type == "mnt" {
			return k.spaceLink(n.Pid)
		}
		id, err := k.namespace(n)
		return procfs.NsText(uint64(n.N), id), tree.Ref{Ino: number(procfs.Node{Kind: procfs.NsFile, Pid: n.Pid, N: n.N})}, true, err
	case procfs.PidFd:
		o, id := k.fd(n.Pid, n.N)
		if id != 0 {
			return foreignName(id), at, false, uabi.OK
		}
		if o == nil {
			return "", at, false, uabi.ErrNotFound
		}
		if o.At != nil && k.isDir(o) {
			return k.shown(o), tree.FromPb(o.At), true, uabi.OK // paths go on below it
		}
		return k.shown(o), tree.Ref{Mount: tree.OpenMount, Ino: o.Id}, true, uabi.OK
	}
	return "", at, false, uabi.ErrArg
}

// isDir reports whether an open file is a directory with an inode.
func (k *call) isDir(o *state.Open) bool {
	n := k.tree.Inode(o.At.Ino)
	return n != nil && n.IsDir()
}

// shown is what readlink of /proc/PID/fd/N gives.
func (k *call) shown(o *state.Open) string {
	if isSpecial(o) {
		return o.Path
	}
	if o.At == nil {
		return fmt.Sprintf("pipe:[%d]", o.Pipe)
	}
	if n := k.tree.Inode(o.At.Ino); n != nil && n.Nlink == 0 {
		return k.openPath(o) + " (deleted)"
	}
	return k.openPath(o)
}

// Positions in synthetic directories: fixed entries, then processes or descriptors by number.
const posNumbers = 1000

func (k *call) listSynthetic(ino uint64, pos int64, out []*vfs.Dirent) ([]*vfs.Dirent, uabi.Error) {
	d := procfs.FromNumber(ino)
	for i, e := range procfs.Children(d) {
		if off := int64(posFirst + 1 + i); off > pos {
			out = append(out, &vfs.Dirent{Ino: number(e.Node), Off: off, Type: e.Mode >> 12, Name: e.Name})
		}
	}
	var numbers []int32
	kind, typ := procfs.PidDir, uint32(unix.DT_DIR)
	switch d.Kind {
	case procfs.Root:
		var rep proc.ListReply
		if err := k.proc().List(k.c, &proc.ListRequest{After: int32(max(pos-posNumbers, 0))}, &rep); err != uabi.OK {
			return nil, err
		}
		numbers = rep.Pids
	case procfs.PidFdDir, procfs.PidFdinfoDir:
		var rep proc.FdListReply
		req := proc.PidRequest{Pid: d.Pid}
		if d.Pid == k.tgid() {
			req.Pid = 0
		}
		if err := k.proc().FdList(k.c, &req, &rep); err != uabi.OK {
			return nil, uabi.ErrNotFound
		}
		numbers, kind, typ = rep.Fds, procfs.PidFd, unix.DT_LNK
		if d.Kind == procfs.PidFdinfoDir {
			kind, typ = procfs.PidFdinfo, unix.DT_REG
		}
	case procfs.TaskDir:
		var rep proc.ListReply
		if err := k.proc().ThreadList(k.c, &proc.PidRequest{Pid: d.Pid}, &rep); err != uabi.OK {
			return nil, uabi.ErrNotFound
		}
		numbers, kind = rep.Pids, procfs.TidDir
	}
	for _, v := range numbers {
		n, off := procfs.Node{Kind: kind, Pid: v}, int64(v)+posNumbers
		if kind != procfs.PidDir {
			n, off = procfs.Node{Kind: kind, Pid: d.Pid, N: uint32(v)}, off+1 // there is a descriptor 0
		}
		if off > pos && len(out) < maxList {
			out = append(out, &vfs.Dirent{Ino: number(n), Off: off, Type: typ, Name: strconv.Itoa(int(v))})
		}
	}
	return out, uabi.OK
}

// readText reads a synthetic file, whose text is made when it is read from the start.
func (h *VFSD) readText(c *server.Ctx, o *state.Open, offset int64, out *vfs.CountReply) uabi.Error {
	made := false
	err := h.serveText(c, o, offset, out, func(k *call) (string, uabi.Error) {
		made = true
		return k.text(procfs.FromNumber(o.At.Ino))
	})
	if made && err == uabi.OK && tellsMounts(o.At.Ino) {
		h.setLevel(c, o, o.Level&^changedBits)
	}
	return err
}

// serveText answers a read of a file whose text is made when it is read from the start.
func (h *VFSD) serveText(c *server.Ctx, o *state.Open, offset int64, out *vfs.CountReply, text func(*call) (string, uabi.Error)) uabi.Error {
	pos := offset
	if offset < 0 {
		pos = o.Pos
	}
	content := o.Content
	var then func()
	if pos == 0 || !o.HasContent {
		k := h.begin(c, false)
		made, err := text(k)
		if err != uabi.OK {
			return err
		}
		content, then = []byte(made), k.then
	}
	n := 0
	if pos < int64(len(content)) {
		piece := content[pos:]
		var err uabi.Error
		if n, err = c.GrantWrite(0, 0, piece[:min(c.GrantLen(0), uint64(len(piece)))]); err != uabi.OK && n == 0 {
			return err
		}
	}
	o.Content, o.HasContent = content, true
	if then != nil {
		then()
	}
	if offset < 0 {
		o.Pos += int64(n)
	}
	out.Count = int64(n)
	return uabi.OK
}

// text is a synthetic file's content now.
func (k *call) text(n procfs.Node) (string, uabi.Error) {
	switch n.Kind {
	case procfs.Meminfo, procfs.Vmstat, procfs.CPUInfo, procfs.CPUStat, procfs.Uptime, procfs.Loadavg:
		return k.machine(n.Kind)
	case procfs.Version:
		return procfs.VersionText(), uabi.OK
	case procfs.Filesystems:
		return procfs.FilesystemsText, uabi.OK
	case procfs.Cmdline:
		return k.cfg.CommandLine + "\n", uabi.OK
	case procfs.Devices:
		return procfs.DevicesText, uabi.OK
	case procfs.Swaps:
		return procfs.SwapsText, uabi.OK
	case procfs.Partitions:
		return procfs.PartitionsText, uabi.OK
	case procfs.Diskstats:
		return "", uabi.OK
	case procfs.AramidGaps:
		return k.gaps()
	case procfs.Locks:
		return k.lockTable(), uabi.OK
	case procfs.TTYDrivers:
		return procfs.DriversText, uabi.OK
	case procfs.NsFile, procfs.MountSpace:
		return "", uabi.ErrArg
	case procfs.SysValue:
		return k.sysText(n.N)
	case procfs.Cgroups:
		return cgroupfs.SubsystemsText(1 + k.groups.Descendants(cgroupfs.RootID)), uabi.OK
	}
	return k.process(n)
}

// newID is 16 random bytes.
func (k *call) newID() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, k.c.Rand64()), k.c.Rand64())
}

// sessionTerminal is what a process of that session has as its controlling terminal.
func (k *call) sessionTerminal(sid int32) procfs.Terminal {
	for _, t := range k.ttys.Values() {
		if t.Session != 0 && t.Session == sid {
			return procfs.Terminal{Device: device(t, false), Foreground: t.Pgrp}
		}
	}
	return procfs.Terminal{Foreground: -1}
}

// limits is /proc/PID/limits.
func (k *call) limits(pid int32) (string, uabi.Error) {
	var out []procfs.Limit
	for r := range procfs.LimitNames {
		var l proc.LimitReply
		if err := k.proc().Limit(k.c, &proc.LimitRequest{Pid: pid, Resource: uint32(r)}, &l); err != uabi.OK {
			return "", err
		}
		out = append(out, procfs.Limit{Soft: l.Soft, Hard: l.Hard})
	}
	return procfs.LimitsText(out), uabi.OK
}

// memoryOf is a process's mm.
func (k *call) memoryOf(pid int32) (mm.Client, uabi.Error) {
	var rep proc.MemoryReply
	if err := k.proc().MemoryOf(k.c, &proc.PidRequest{Pid: pid}, &rep); err != uabi.OK {
		return mm.Client{}, err
	}
	k.c.Close(uabi.Handle(rep.Mm))
	k.c.Close(uabi.Handle(rep.Space))
	return mm.Client{H: uabi.Handle(rep.Mm)}, uabi.OK
}

// usage is a process's memory: none of a zombie.
func (k *call) usage(pid int32) procfs.Memory {
	cl, err := k.memoryOf(pid)
	if err != uabi.OK {
		return procfs.Memory{}
	}
	var u mm.UsageReply
	if cl.Usage(k.c, &mm.EmptyRequest{}, &u) != uabi.OK {
		return procfs.Memory{}
	}
	return procfs.Memory{Mapped: u.Mapped, Resident: u.Resident, Locked: u.Locked}
}

// Tags of mmd's regions beyond the file's number (servers/mmd/layout).
const (
	tagFile  = 1<<48 - 1
	tagHeap  = 1 << 61
	tagStack = 1 << 60
	tagMain  = 1 << 59 // the main stack
)

// maps is /proc/PID/maps, for root and for the process itself.
func (k *call) maps(pid int32) (string, uabi.Error) {
	if pid != k.tgid() && k.env.UID != 0 {
		return "", uabi.ErrAccess
	}
	cl, err := k.memoryOf(pid)
	if err != uabi.OK {
		return "", err
	}
	var b strings.Builder
	for after := uint64(0); ; {
		var rep mm.RegionsReply
		if err := cl.Regions(k.c, &mm.RegionsRequest{After: after}, &rep); err != uabi.OK {
			return "", err
		}
		if len(rep.Regions) == 0 {
			return b.String(), uabi.OK
		}
		for _, r := range rep.Regions {
			dev, name, ino := "00:00", "", r.Tag&tagFile
			n := k.tree.Inode(ino)
			switch {
			case n != nil:
				dev, name = fmt.Sprintf("00:%02x", firstDev+n.Fs), n.Path
			case r.Tag&tagHeap != 0:
				name = "[heap]"
			case r.Tag&tagMain != 0:
				name = "[stack]"
			}
			b.WriteString(procfs.MapsLine(r, dev, ino, name))
			after = r.Addr + r.Len
		}
	}
}
