package main

import (
	"fmt"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	server.MainOn("mmd", func(k uk.Kernel) (server.Spec, error) {
		var info uabi.SystemInfo
		if err := k.SystemInfo(&info); err != uabi.OK {
			return server.Spec{}, fmt.Errorf("how much memory there is: %w", err)
		}
		return Spec(info.FramesTotal * layout.PageSize), nil
	})
}

// Spec is the server as servers/server runs it, on a machine with that many bytes of memory.
func Spec(memory uint64) server.Spec {
	h := New(memory)
	return server.Spec{Name: "mmd", Rank: uabi.RankMM, Service: mm.Service[*server.Ctx](h), State: h, Gone: h.Gone, Start: h.Start}
}
