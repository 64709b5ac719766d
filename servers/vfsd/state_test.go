package main

import (
	"testing"

	"aramid/servers/server/servertest"
	"aramid/servers/vfsd/state"
)

func TestASnapshotHasEveryScalar(t *testing.T) { servertest.Scalars(t, New(Config{}), &state.State{}) }
