package main

import (
	"fmt"
	"os"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	k, e := uk.NewThread()
	if e != uabi.OK {
		fmt.Fprintln(os.Stderr, "mmd: no message buffer:", e)
		os.Exit(1)
	}
	var info uabi.SystemInfo
	if e := k.SystemInfo(&info); e != uabi.OK {
		fmt.Fprintln(os.Stderr, "mmd: how much memory there is:", e)
		os.Exit(1)
	}
	err := server.Run(k, Spec(info.FramesTotal*layout.PageSize))
	fmt.Fprintln(os.Stderr, "mmd:", err)
	os.Exit(server.ExitStatus(err))
}

// Spec is the server as servers/server runs it, on a machine with that many bytes of memory.
func Spec(memory uint64) server.Spec {
	h := New(memory)
	return server.Spec{Name: "mmd", Rank: uabi.RankMM, Service: mm.Service[*server.Ctx](h), State: h, Gone: h.Gone, Start: h.Start}
}
