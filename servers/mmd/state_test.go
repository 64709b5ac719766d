package main

import (
	"testing"

	"aramid/servers/mmd/state"
	"aramid/servers/server/servertest"
)

func TestASnapshotHasEveryScalar(t *testing.T) { servertest.Scalars(t, New(1<<30), &state.State{}) }
