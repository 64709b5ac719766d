package main

import (
	"bufio"
	"errors"
	"log"
	"os"

	"aramid/proto/control"
	"aramid/proto/gaps"
	"aramid/proto/root"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// control serves the host command `aramid` on the control channel; without one it returns at once.
func (r *system) control(k uk.Kernel) {
	u, err := openUART(k)
	if err != nil {
		return
	}
	in := bufio.NewReader(u)
	var out control.Frame // the last reply
	for {
		f, err := control.Read(in)
		if err != nil {
			log.Printf("control channel: %v", err)
			return
		}
		if f.Seq != out.Seq { // else it was sent again: the reply took long
			out = control.Frame{Seq: f.Seq}
			body, err := r.serve(k, f)
			if err != nil {
				out.Code, body = code(err), []byte(err.Error())
			}
			out.Body = body
		}
		if err := control.Write(u, &out); err != nil {
			log.Printf("control channel: %v", err)
			return
		}
		if r.dying {
			os.Exit(statusKilled)
		}
	}
}

// code is the uabi.Error that err is, or wraps; ErrIO for others. The reply's body says more.
func code(err error) uint32 {
	var e uabi.Error
	if errors.As(err, &e) {
		return uint32(e)
	}
	return uint32(uabi.ErrIO)
}

// message is what the generated messages have in common.
type message interface {
	MarshalVT() ([]byte, error)
}

// serve executes one request.
func (r *system) serve(k uk.Kernel, f *control.Frame) ([]byte, error) {
	out, err := r.method(k, f)
	if err != nil {
		return nil, err
	}
	return out.MarshalVT()
}

func (r *system) method(k uk.Kernel, f *control.Frame) (message, error) {
	switch f.Code {
	case root.MethodPs:
		return r.ps(k), nil
	case root.MethodRestart, root.MethodKill, root.MethodSwap:
		return &root.EmptyReply{}, r.change(k, f)
	case root.MethodTrace:
		return r.trace(k, f.Body)
	case root.MethodInfo:
		return info(k)
	case root.MethodGaps:
		return r.gaps(k)
	case root.MethodCall:
		return r.call(k, f.Body)
	}
	return nil, uabi.ErrCall
}

// change restarts, kills or swaps a server.
func (r *system) change(k uk.Kernel, f *control.Frame) error {
	var in root.SwapRequest // ServerRequest is its first field
	if err := in.UnmarshalVT(f.Body); err != nil {
		return uabi.ErrDecode
	}
	s := r.find(in.Server)
	if in.Server == selfName && f.Code == root.MethodKill {
		r.dying = true // after the answer; the kernel starts it again
		return nil
	}
	if s == nil || s.line.lazy {
		return notFound(in.Server)
	}
	switch f.Code {
	case root.MethodRestart:
		return s.restart(k, "restart")
	case root.MethodKill:
		return s.kill(k)
	}
	data, err := brought(k, f, &in)
	if err != nil {
		return err
	}
	h, err := store(k, s.entry.Account, data)
	if err != nil {
		return err
	}
	return s.swap(k, h, uint64(len(data)))
}

// brought is the binary that a swap brings: the frame's data, or what is on the drop disk.
func brought(k uk.Kernel, f *control.Frame, in *root.SwapRequest) ([]byte, error) {
	if in.Len == uint64(len(f.Data)) {
		return f.Data, nil
	}
	d, err := openDrop(k)
	if err != nil {
		return nil, err
	}
	return control.GetDrop(d.read, f.Seq)
}

// store puts data into a memory object of its own.
func store(k uk.Kernel, account uabi.Handle, data []byte) (uabi.Handle, error) {
	h, err := k.MemoryCreate(account, uint64(len(data)), 0)
	if err != uabi.OK {
		return 0, err
	}
	for off := 0; off < len(data); {
		n, err := k.MemoryWrite(h, uint64(off), data[off:])
		if err != uabi.OK {
			k.Close(h)
			return 0, err
		}
		off += n
	}
	return h, nil
}

// selfName is rootd's own name.
const selfName = "rootd"

type notFound string

func (n notFound) Error() string {
	return "no server is called " + string(n) + "; `aramid ps` lists them"
}
func (n notFound) Unwrap() error { return uabi.ErrNotFound }

func (r *system) find(name string) *srv {
	for _, s := range r.servers {
		if s.line.name == name {
			return s
		}
	}
	return nil
}

// ps describes all servers.
func (r *system) ps(k uk.Kernel) *root.PsReply {
	out := &root.PsReply{}
	for _, s := range r.servers {
		var i uabi.ProcessInfo
		if err := k.ProcessInfo(s.entry.Process, &i); err != uabi.OK || s.line.lazy {
			continue
		}
		s.mu.Lock()
		p := &root.Process{Id: i.ID, Name: s.line.name, Rank: uint32(i.Rank), State: s.state, Starts: i.Starts, Threads: i.Threads,
			Handles: i.Handles, Frames: i.Frames, UserNs: i.UserNS, Queued: i.QueuedCalls, Delivered: i.DeliveredCalls,
			ExitStatus: i.ExitStatus, Why: s.why}
		s.mu.Unlock()
		out.Processes = append(out.Processes, p)
	}
	return out
}

func info(k uk.Kernel) (message, error) {
	var i uabi.SystemInfo
	if err := k.SystemInfo(&i); err != uabi.OK {
		return nil, err
	}
	return &root.InfoReply{FramesTotal: i.FramesTotal, FramesFree: i.FramesFree, KernelFrames: i.KernelFrames, Cpus: i.CPUs,
		Handles: i.Handles, Objects: i.Objects[:], UptimeNs: i.UptimeNS, StackMax: i.StackMax[:]}, nil
}

// gaps reads the personality's counters out of its kept memory.
func (r *system) gaps(k uk.Kernel) (message, error) {
	out := &root.GapsReply{}
	for _, s := range r.servers {
		if s.line.rank != uabi.RankLinux {
			continue
		}
		b := make([]byte, gaps.TableSize)
		if _, err := k.MemoryRead(s.entry.Kept, 0, b); err != uabi.OK {
			return nil, err
		}
		for _, g := range gaps.List(b) {
			out.Gaps = append(out.Gaps, &root.Gap{Call: g.Call, What: g.What, Count: g.Count})
		}
	}
	return out, nil
}
