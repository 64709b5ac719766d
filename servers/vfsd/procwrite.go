package main

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// What may be written below /proc.

// maxText is the most that one write to a file of /proc may have, bytes.
const maxText = pageSize - 1

// writeText writes a file of procfs: each write is a value.
func (h *VFSD) writeText(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	want := c.GrantLen(0)
	if want > maxText {
		return uabi.ErrArg
	}
	b := h.scratch[:want]
	if n, err := c.GrantRead(0, 0, b); uint64(n) < want {
		return faultOr(err)
	}
	k := h.begin(c, false)
	n, text := procfs.FromNumber(o.At.Ino), string(b)
	err := uabi.ErrArg
	switch n.Kind {
	case procfs.SysValue:
		err = k.setSys(&procfs.Sysctls[n.N], text)
	case procfs.PidComm:
		name := procfs.Trim(text)
		pid := n.Pid
		if tid := threadOf(n); tid != 0 {
			pid = tid
		}
		err = k.adjust(&proc.AdjustRequest{Pid: pid, Name: &name})
	case procfs.PidOomScoreAdj:
		v, bad := strconv.ParseInt(strings.TrimSpace(text), 0, 32)
		if adj := int32(v); bad == nil {
			err = k.adjust(&proc.AdjustRequest{Pid: n.Pid, OomScoreAdj: &adj})
		}
	case procfs.PidUidMap, procfs.PidGidMap, procfs.PidProjidMap, procfs.PidSetgroups:
		err = uabi.ErrPerm // those of the first user namespace are set
		if n.Kind == procfs.PidSetgroups && strings.TrimSpace(text) == "allow" {
			err = uabi.OK
		}
	}
	if err == uabi.OK {
		out.Count = int64(want)
	}
	return err
}

func (k *call) adjust(in *proc.AdjustRequest) uabi.Error {
	return k.proc().Adjust(k.c, in, &proc.AdjustReply{})
}

// sysText is a value below /proc/sys.
func (k *call) sysText(n uint32) (string, uabi.Error) {
	s := &procfs.Sysctls[n]
	switch s.Path {
	case procfs.SysBootID:
		return procfs.UUID(k.top.BootId), uabi.OK
	case procfs.SysUUID:
		return procfs.UUID(k.newID()), uabi.OK
	case procfs.SysHostname, procfs.SysDomainname:
		var rep proc.UtsReply
		if err := k.proc().Uts(k.c, &proc.UtsRequest{}, &rep); err != uabi.OK {
			return "", err
		}
		if s.Path == procfs.SysHostname {
			return rep.Hostname + "\n", uabi.OK
		}
		return rep.Domainname + "\n", uabi.OK
	case procfs.SysPidMax:
		var rep proc.AdjustReply
		err := k.proc().Adjust(k.c, &proc.AdjustRequest{}, &rep)
		return fmt.Sprintf("%d\n", rep.PidMax), err
	case procfs.SysFileNr:
		return fmt.Sprintf("%d\t0\t%s\n", k.opens.Len(), k.sysctl(&procfs.Sysctl{Path: "fs/file-max", Text: "9223372036854775807"})), uabi.OK
	case procfs.SysPtyNr:
		return fmt.Sprintf("%d\n", max(k.ttys.Len()-1, 0)), uabi.OK
	}
	return k.sysctl(s) + "\n", uabi.OK
}

// sysctl is a value that is kept here.
func (k *call) sysctl(s *procfs.Sysctl) string {
	if s.Path == procfs.SysPrintk {
		first := strconv.Itoa(int(k.top.Kmsg.GetConsoleLevel()))
		_, rest, _ := strings.Cut(k.kept(s), "\t")
		return first + "\t" + rest
	}
	return k.kept(s)
}

func (k *call) kept(s *procfs.Sysctl) string {
	for _, v := range k.top.Sysctls {
		if v.Path == s.Path {
			return v.Text
		}
	}
	return s.Text
}

// limit is a number that is kept here.
func (k *call) limit(s *procfs.Sysctl) uint64 {
	n, err := strconv.ParseUint(k.kept(s), 10, 64)
	if err != nil {
		panic(s.Path + ": " + err.Error()) // its rule lets numbers in only
	}
	return n
}

// setSys writes a value below /proc/sys.
func (k *call) setSys(s *procfs.Sysctl, text string) uabi.Error {
	switch s.Path {
	case procfs.SysHostname, procfs.SysDomainname:
		name := procfs.Trim(text)
		if s.Path == procfs.SysHostname {
			return k.proc().Uts(k.c, &proc.UtsRequest{Hostname: &name}, &proc.UtsReply{})
		}
		return k.proc().Uts(k.c, &proc.UtsRequest{Domainname: &name}, &proc.UtsReply{})
	case procfs.SysPidMax:
		v, bad := strconv.ParseInt(strings.TrimSpace(text), 0, 32)
		if bad != nil {
			return uabi.ErrArg
		}
		most := int32(v)
		return k.adjust(&proc.AdjustRequest{PidMax: &most})
	}
	v, ok := s.Accept(k.sysctl(s), text)
	if !ok {
		return uabi.ErrArg
	}
	if s.Path == procfs.SysPrintk {
		first, _, _ := strings.Cut(v, "\t")
		level, _ := strconv.ParseUint(first, 10, 8)
		k.top.Kmsg.ConsoleLevel = uint32(level)
	}
	i := sort.Search(len(k.top.Sysctls), func(i int) bool { return k.top.Sysctls[i].Path >= s.Path })
	if i < len(k.top.Sysctls) && k.top.Sysctls[i].Path == s.Path {
		k.top.Sysctls[i].Text = v
		return uabi.OK
	}
	k.top.Sysctls = slices.Insert(k.top.Sysctls, i, &state.Sysctl{Path: s.Path, Text: v})
	return uabi.OK
}
