package main

import (
	"aramid/proto/proc"
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
		Name: "procd", Rank: uabi.RankProc, Service: proc.Service[*server.Ctx](h), State: h,
		ThreadGone: h.ThreadGone, Event: h.Event,
	}
}
