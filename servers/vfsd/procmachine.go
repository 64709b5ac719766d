package main

import (
	"aramid/proto/proc"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// What /proc says of the whole machine.

// machine is the text of meminfo, vmstat, cpuinfo, stat, uptime and loadavg.
func (k *call) machine(kind procfs.Kind) (string, uabi.Error) {
	info := &k.cfg.Machine
	switch kind {
	case procfs.Meminfo, procfs.Vmstat:
		free, err := k.c.FramesFree()
		if err != uabi.OK {
			return "", err
		}
		cached, _, err := k.c.AccountInfo(k.payer())
		if err != uabi.OK {
			return "", err
		}
		if kind == procfs.Vmstat {
			return procfs.VmstatText(free*pageSize, cached*pageSize), uabi.OK
		}
		return procfs.MeminfoText(info.Memory, min(free*pageSize, info.Memory), cached*pageSize), uabi.OK
	case procfs.CPUInfo:
		return procfs.CPUInfoText(&info.CPU, info.CPUs, info.TSCHz), uabi.OK
	}
	var t proc.TotalsReply
	if err := k.proc().Totals(k.c, &proc.EmptyRequest{}, &t); err != uabi.OK {
		return "", err
	}
	now := k.c.Now()
	work := procfs.NewWork(now, info.CPUs, t.UserNs, t.SystemNs)
	switch kind {
	case procfs.Uptime:
		return procfs.UptimeText(now, work), uabi.OK
	case procfs.Loadavg:
		return procfs.LoadText(k.load(now, t.UserNs+t.SystemNs), t.Running, t.Threads, t.LastPid), uabi.OK
	}
	return procfs.CPUStatText(info.CPUs, k.top.BootNs/1e9, work, t.Forks, t.Running), uabi.OK
}

// load brings the load average up to date: what programs computed since it was last asked for.
func (k *call) load(now, busy uint64) (l procfs.Load) {
	last := k.top.Load
	if last == nil {
		last = &state.Load{}
	}
	copy(l[:], last.Average)
	l = l.Next(now-last.AtNs, busy-min(last.BusyNs, busy))
	k.then = func() { k.top.Load = &state.Load{AtNs: now, BusyNs: busy, Average: l[:]} }
	return l
}
