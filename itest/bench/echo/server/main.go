// Server answers every request with its own text.
package main

import (
	echo "aramid/itest/bench/echo/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

type handler struct{}

func (handler) Echo(_ *server.Ctx, in, out *echo.EchoMessage) uabi.Error {
	out.Text = in.Text
	return uabi.OK
}

func (handler) Save() []byte              { return nil }
func (handler) Load([]byte) error         { return nil }
func (handler) Handles(func(uabi.Handle)) {}

func main() {
	server.Main(server.Spec{Name: "echo", Rank: uabi.RankProc, Service: echo.Service[*server.Ctx](handler{}), State: handler{}})
}
