package main

import (
	"aramid/proto/mm"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

func main() {
	server.Main(Spec())
}

// Spec is the server as servers/server runs it.
func Spec() server.Spec {
	h := New()
	return server.Spec{Name: "mmd", Rank: uabi.RankMM, Service: mm.Service[*server.Ctx](h), State: h, Gone: h.Gone, Start: h.Start}
}
