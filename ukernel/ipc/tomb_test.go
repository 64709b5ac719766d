package ipc

import (
	"testing"

	"aramid/ukernel/uabi"

	"pgregory.net/rapid"
)

func TestDeadBadgeNumbersAreExactlyThoseThatDied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var s tombs
		dead := map[uint64]bool{}
		near := rapid.Custom(func(t *rapid.T) uint64 {
			base := rapid.SampledFrom([]uint64{1, 4000, 1 << 18, 1 << 40, 1 << 63, ^uint64(0) - 300}).Draw(t, "base")
			return base + rapid.Uint64Range(0, 300).Draw(t, "offset")
		})
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			n := near.Draw(t, "number")
			if n == 0 {
				continue
			}
			switch err := s.reserve(n, w.acct); {
			case dead[n]:
				eq(t, "reserving a dead one", err, uabi.ErrStale)
			default:
				w.check(err)
				nodes := tombNodes.Live()
				if rapid.Bool().Draw(t, "dies") {
					s.set(n, w.acct)
					dead[n] = true
				}
				eq(t, "a death needs no memory", tombNodes.Live() <= nodes, true)
				eq(t, "has", s.has(n), dead[n])
			}
			m := near.Draw(t, "other")
			if m != 0 {
				eq(t, "has", s.has(m), dead[m])
			}
		}
		for n := range dead {
			eq(t, "has", s.has(n), true)
		}
		s.clear(w.acct)
		eq(t, "nodes", tombNodes.Live(), 0)
	})
}

func TestDeadNumbersCostNoMemoryForEver(t *testing.T) {
	w := newWorld(t)
	var s tombs
	for n := uint64(1); n < 1<<20; n++ {
		w.check(s.reserve(n, w.acct))
		s.set(n, w.acct)
	}
	if got := tombNodes.Live(); got > 4 {
		t.Fatalf("%d nodes for a million dead numbers", got)
	}
	eq(t, "the next is alive", s.has(1<<20), false)
	s.clear(w.acct)
	eq(t, "nodes", tombNodes.Live(), 0)
}

func TestAFailedReservationChangesNothing(t *testing.T) {
	w := newWorld(t)
	var s tombs
	w.acct.SetLimit(0, w.acct.ObjectsUsed+2)
	eq(t, "error", s.reserve(1<<40, w.acct), uabi.ErrNoMem)
	eq(t, "not dead", s.has(1<<40), false)
	w.acct.SetLimit(0, 0)
	w.check(s.reserve(1<<40, w.acct))
	s.set(1<<40, w.acct)
	eq(t, "dead", s.has(1<<40), true)
	s.clear(w.acct)
}
