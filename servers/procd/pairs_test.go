package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches.
const unreached = `
Alarm: bad argument
Exec: bad argument
Fault: ok
Fork: limit reached, not permitted
PidWatch: bad argument
SetCreds: bad argument
SetGroup: access denied
Spawn: exists
Thread: bad argument
TimedWait: interrupted
`
