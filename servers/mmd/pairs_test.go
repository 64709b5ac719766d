package main

import (
	"testing"

	"aramid/servers/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, unreached) }

// unreached are pairs of a method and errors that no test here reaches.
const unreached = `
Advise: bad address
Map: access denied, limit reached, no such device, not permitted, value too large
Protect: access denied
`
