// Command probe makes one call of a server for rootd and ends (rootd's probe.go): rootd may call no server, and the probe is above them all.
package main

import (
	"fmt"
	"os"

	"aramid/proto/ipc"
	"aramid/proto/root"
	"aramid/proto/script"
	"aramid/servers/rootd/wire"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// endpoints are where rootd puts the servers' endpoints.
var endpoints = map[string]uabi.Handle{
	"mmd": uabi.BootRoot + uabi.RankMM, "procd": uabi.BootRoot + uabi.RankProc, "vfsd": uabi.BootRoot + uabi.RankVFS, "netd": uabi.BootRoot + uabi.RankNet,
}

func main() {
	if err := run(); err != uabi.OK {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run() uabi.Error {
	k, err := uk.NewThread()
	if err != uabi.OK {
		return err
	}
	text, err := wire.Read(k, uabi.BootKept, wire.Request)
	if err != uabi.OK {
		return err
	}
	var in root.CallRequest
	if in.UnmarshalVT(text) != nil {
		return uabi.ErrDecode
	}
	if in.Fresh {
		closeAll(k)
	}
	out := &script.Reply{}
	switch {
	case in.Method == 0 && in.Target != 0:
		k.Close(uabi.Handle(in.Target))
	case in.Method != 0:
		c, err := ipc.NewThread(k, 0)
		if err != uabi.OK {
			return err
		}
		out = call(k, c, &in)
	}
	body, e := (&root.CallReply{Status: int32(out.Status), Body: out.Body, Data: out.Data, Values: out.Values}).MarshalVT()
	if e != nil {
		return uabi.ErrDecode
	}
	return wire.Write(k, uabi.BootKept, wire.Reply, body)
}

// call makes the call.
func call(k uk.Kernel, c *ipc.Thread, in *root.CallRequest) *script.Reply {
	methods := script.Methods(in.Server)
	if in.Method > uint32(len(methods)) || methods[in.Method-1].Name == "" {
		return &script.Reply{Status: uabi.ErrCall}
	}
	q := &script.Request{Target: uabi.Handle(in.Target), Method: in.Method, Body: in.Body, Give: in.Give, Take: in.Take}
	if q.Target == 0 {
		q.Target = endpoints[in.Server]
	}
	out := script.Do(c, &methods[in.Method-1], q)
	if out.Status == uabi.ErrWait {
		k.Close(c.LastWait().Event)
	}
	return out
}

// closeAll closes what replies to earlier calls brought.
func closeAll(k uk.Kernel) {
	var all []uabi.Handle
	for h, err := k.HandleNext(0); err == uabi.OK && h != 0; h, err = k.HandleNext(h) {
		if h&slotMask >= uabi.BootFirst {
			all = append(all, h)
		}
	}
	for _, h := range all {
		k.Close(h)
	}
}

const slotMask = 1<<20 - 1 // slot number in a handle
