// Client calls the echo server and prints what a call takes: "figure go_call MEDIAN MIN SAMPLES" in instructions, which are ns
// under -icount.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	echo "aramid/itest/bench/echo/proto"
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

const (
	samples  = 200
	batch    = 20
	textSize = 48 // with its tag and length: a 50-byte message
)

func main() {
	debug.SetGCPercent(-1)
	k, e := uk.NewThread()
	check("thread", e)
	c, e := ipc.NewThread(k, 1)
	check("transport", e)
	target := echo.Client{H: uabi.BootProc}
	in, out := echo.EchoMessage{Text: make([]byte, textSize)}, echo.EchoMessage{}
	run := func(n int) float64 {
		start, _ := k.Clock(uabi.ClockMonotonic)
		for range n {
			if err := target.Echo(c, &in, &out); err != uabi.OK || len(out.Text) != textSize {
				check("echo", err)
				check("echo's text", uabi.ErrIO)
			}
		}
		end, _ := k.Clock(uabi.ClockMonotonic)
		return float64(end - start)
	}
	run(samples)
	t := make([]float64, samples)
	for i := range t {
		t[i] = (run(batch) - run(0)) / batch
	}
	slices.Sort(t)
	fmt.Fprintf(os.Stderr, "figure go_call %.0f %.0f %d\n", t[samples/2], t[0], samples)
	check("power off", k.PowerOff(uabi.BootPower, 0))
}

func check(what string, e uabi.Error) {
	if e != uabi.OK {
		fmt.Fprintf(os.Stderr, "client: %s: %v\n", what, e)
		new(uk.Real).PowerOff(uabi.BootPower, 1)
	}
}
