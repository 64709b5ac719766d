package main

import (
	"testing"

	"aramid/servers/procd/state"
	"aramid/servers/server/servertest"
)

func TestASnapshotHasEveryScalar(t *testing.T) { servertest.Scalars(t, New(), &state.State{}) }
