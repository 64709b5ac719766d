package main

import (
	"aramid/proto/ipc"
	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

func main() {
	server.Main(Spec())
}

// Spec is the server as servers/server runs it.
func Spec() server.Spec {
	h := New()
	return server.Spec{
		Name: "netd", Rank: uabi.RankNet, State: h, Gone: h.Gone, ThreadGone: h.ThreadGone, Start: h.Start,
		Service: ipc.Join(vfs.Service[*server.Ctx](file{h, nil}), net.Served, net.Service[*server.Ctx](h)),
	}
}
