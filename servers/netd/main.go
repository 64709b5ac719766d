package main

import (
	"fmt"
	"os"

	"aramid/proto/ipc"
	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	k, e := uk.NewThread()
	if e != uabi.OK {
		fmt.Fprintln(os.Stderr, "netd: no message buffer:", e)
		os.Exit(1)
	}
	err := server.Run(k, Spec())
	fmt.Fprintln(os.Stderr, "netd:", err)
	os.Exit(server.ExitStatus(err))
}

// served are the methods of open files that a socket has.
var served = []uint32{
	vfs.MethodRead, vfs.MethodWrite, vfs.MethodSeek, vfs.MethodStatAt, vfs.MethodStatTo, vfs.MethodReadDir, vfs.MethodFlags, vfs.MethodIoctl,
	vfs.MethodMapFile, vfs.MethodPoll, vfs.MethodSync, vfs.MethodPath,
}

// Spec is the server as servers/server runs it.
func Spec() server.Spec {
	h := New()
	return server.Spec{
		Name: "netd", Rank: uabi.RankNet, State: h, Gone: h.Gone, ThreadGone: h.ThreadGone, Start: h.Start,
		Service: ipc.Join(vfs.Service[*server.Ctx](file{h, nil}), served, net.Service[*server.Ctx](h)),
	}
}
