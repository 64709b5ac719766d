package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aramid/proto/control"
	table "aramid/proto/gaps"
	"aramid/proto/root"
	"aramid/ukernel/uabi"
)

// message is what the generated messages have in common.
type message interface {
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// replyTime is how long a running machine may take to answer.
const replyTime = 60 * time.Second

// machine is a connection to a running machine's rootd.
type machine struct {
	conn net.Conn
	in   *bufio.Reader
	seq  uint32
	drop string // file of the drop disk
}

// dial connects to the machine called name, or to the one started last.
func dial(name string) (*machine, error) {
	dir, err := findMachine(name)
	if err != nil {
		return nil, err
	}
	c, err := net.Dial("unix", filepath.Join(dir, "control"))
	if err != nil {
		return nil, fmt.Errorf("machine %s does not answer: %w", filepath.Base(dir), err)
	}
	return &machine{conn: c, in: bufio.NewReader(c), seq: uint32(time.Now().UnixNano()), drop: filepath.Join(dir, "drop")}, nil
}

// callWithData is call with a binary, which goes through the drop disk or, on a machine without one, the serial line.
func (m *machine) callWithData(method uint32, in, out message, data []byte) error {
	f, err := os.OpenFile(m.drop, os.O_WRONLY, 0)
	if err != nil {
		return m.call(method, in, out, data)
	}
	defer f.Close()
	if err := control.PutDrop(f, m.seq+1, data); err != nil {
		return err
	}
	return m.call(method, in, out, nil)
}

// call sends one request and waits for its reply. The request is sent again when no reply comes: rootd may not have listened yet, and a
// serial line keeps little. Under its number it is executed once.
func (m *machine) call(method uint32, in, out message, data []byte) error {
	m.seq++
	body, err := in.MarshalVT()
	if err != nil {
		return err
	}
	transfer := time.Duration(len(data)/transferRate) * time.Second
	for end := time.Now().Add(replyTime + transfer); ; {
		m.conn.SetDeadline(time.Now().Add(resendTime + transfer))
		f, err := m.exchange(&control.Frame{Seq: m.seq, Code: method, Body: body, Data: data})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end):
			continue
		case err != nil:
			return fmt.Errorf("control channel: %w", err)
		case f.Code != 0:
			return errors.New(string(f.Body))
		}
		return out.UnmarshalVT(f.Body)
	}
}

// exchange sends a frame and reads until the reply to it.
func (m *machine) exchange(f *control.Frame) (*control.Frame, error) {
	if err := control.Write(m.conn, f); err != nil {
		return nil, err
	}
	for {
		r, err := control.Read(m.in)
		if err != nil || r.Seq == f.Seq {
			return r, err
		}
		// Else the reply to somebody who did not wait for it.
	}
}

// resendTime is how long a reply is waited for before the request is sent again.
const resendTime = 2 * time.Second

// transferRate is the least that the serial line carries, bytes a second.
const transferRate = 20 << 10

// withMachine parses --vm, checks the number of arguments and runs f on a connection.
func withMachine(name string, args []string, least, most int, f func(*machine, []string) error) int {
	fs := flag.NewFlagSet("aramid "+name, flag.ContinueOnError)
	vm := fs.String("vm", "", "`NAME` of the machine (default: the one started last)")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return statusUsage
	}
	if fs.NArg() < least || fs.NArg() > most {
		usage(os.Stderr)
		return statusUsage
	}
	m, err := dial(*vm)
	if err != nil {
		return fail(1, "%v", err)
	}
	defer m.conn.Close()
	if err := f(m, fs.Args()); err != nil {
		return fail(1, "%v", err)
	}
	return 0
}

func restart(args []string) int { return onServer("restart", root.MethodRestart, args) }
func kill(args []string) int    { return onServer("kill", root.MethodKill, args) }

func onServer(name string, method uint32, args []string) int {
	return withMachine(name, args, 1, 1, func(m *machine, a []string) error {
		return m.call(method, &root.ServerRequest{Server: a[0]}, &root.EmptyReply{}, nil)
	})
}

func swap(args []string) int {
	return withMachine("swap", args, 2, 2, func(m *machine, a []string) error {
		b, err := os.ReadFile(a[1])
		if err != nil {
			return err
		}
		return m.callWithData(root.MethodSwap, &root.SwapRequest{Server: a[0], Len: uint64(len(b))}, &root.EmptyReply{}, b)
	})
}

func ps(args []string) int {
	return withMachine("ps", args, 0, 0, func(m *machine, _ []string) error {
		out, err := m.processes()
		if err != nil {
			return err
		}
		fmt.Printf("%4s %-10s %4s %-8s %6s %7s %7s %8s %9s  %s\n", "ID", "NAME", "RANK", "STATE", "STARTS", "THREADS", "HANDLES", "MEMORY", "TIME", "LAST START")
		for _, p := range out {
			fmt.Printf("%4d %-10s %4d %-8s %6d %7d %7d %7dK %9s  %s\n", p.Id, p.Name, p.Rank, p.State, p.Starts, p.Threads, p.Handles,
				p.Frames*4, time.Duration(p.UserNs).Round(time.Millisecond), p.Why)
		}
		return nil
	})
}

func (m *machine) processes() ([]*root.Process, error) {
	var out root.PsReply
	err := m.call(root.MethodPs, &root.PsRequest{}, &out, nil)
	return out.Processes, err
}

func trace(args []string) int {
	return withMachine("trace", args, 0, 1, func(m *machine, a []string) error {
		const most = 512
		in := root.TraceRequest{Max: most, Server: strings.Join(a, "")}
		for {
			var out root.TraceReply
			if err := m.call(root.MethodTrace, &in, &out, nil); err != nil {
				return err
			}
			for _, l := range out.Lines {
				fmt.Println(l)
			}
			if len(out.Lines) < most {
				return nil
			}
			in.From = out.Next
		}
	})
}

func gaps(args []string) int {
	return withMachine("gaps", args, 0, 0, func(m *machine, _ []string) error {
		var out root.GapsReply
		if err := m.call(root.MethodGaps, &root.GapsRequest{}, &out, nil); err != nil {
			return err
		}
		var list []table.Gap
		for _, g := range out.Gaps {
			list = append(list, table.Gap{Call: g.Call, What: g.What, Count: g.Count})
		}
		fmt.Print(table.Text(list))
		return nil
	})
}

// objectNames are the kernel's objects by uabi.Type.
var objectNames = [...]string{uabi.TypeSpace: "spaces", uabi.TypeThread: "threads", uabi.TypeEndpoint: "endpoints", uabi.TypeBadge: "badges", uabi.TypeEvent: "events",
	uabi.TypeWaitSet: "waitsets", uabi.TypeTimer: "timers", uabi.TypeMemory: "memories", uabi.TypeProcess: "processes", uabi.TypeAccount: "accounts"}

// info prints one counter a line, name=value: what tests compare before and after.
func info(args []string) int {
	return withMachine("info", args, 0, 0, func(m *machine, _ []string) error {
		var i root.InfoReply
		if err := m.call(root.MethodInfo, &root.InfoRequest{}, &i, nil); err != nil {
			return err
		}
		all, err := m.processes()
		if err != nil {
			return err
		}
		fmt.Printf("total=%d\nfree=%d\nkernel=%d\nhandles=%d\n", i.FramesTotal, i.FramesFree, i.KernelFrames, i.Handles)
		for t, n := range i.Objects {
			if t < len(objectNames) && objectNames[t] != "" {
				fmt.Printf("%s=%d\n", objectNames[t], n)
			}
		}
		for _, p := range all {
			fmt.Printf("%s.frames=%d\n%s.handles=%d\n%s.threads=%d\n", p.Name, p.Frames, p.Name, p.Handles, p.Name, p.Threads)
		}
		return nil
	})
}

// top prints what changed each second until it is interrupted or the machine ends.
func top(args []string) int {
	return withMachine("top", args, 0, 0, func(m *machine, _ []string) error {
		before := map[string]uint64{}
		for {
			var i root.InfoReply
			if err := m.call(root.MethodInfo, &root.InfoRequest{}, &i, nil); err != nil {
				return err
			}
			all, err := m.processes()
			if err != nil {
				return err
			}
			fmt.Printf("up %v, %d CPUs, %d of %d MiB free, kernel %d MiB, %d handles\n", time.Duration(i.UptimeNs).Round(time.Second), i.Cpus,
				i.FramesFree/256, i.FramesTotal/256, i.KernelFrames/256, i.Handles)
			for _, p := range all {
				fmt.Printf("  %-10s %5.1f %% cpu %7dK %5d queued %5d starts\n", p.Name, float64(p.UserNs-before[p.Name])/1e7, p.Frames*4, p.Queued, p.Starts)
				before[p.Name] = p.UserNs
			}
			time.Sleep(time.Second)
		}
	})
}
