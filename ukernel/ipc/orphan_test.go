package ipc

import (
	"testing"
)

// closeAll closes all handles of p.
func (w *world) closeAll(p *Process) {
	w.t.Helper()
	for h := p.Table.Next(0); h != 0; h = p.Table.Next(0) {
		w.check(p.Close(h))
	}
}

func TestAnAlienThatNobodyNamesIsKilled(t *testing.T) {
	x := newLX(t)
	a := x.a
	w := x.world
	w.check(x.d.Close(x.ah))
	w.idle()
	eq(t, "block", a.block, BlockGone)
	x.leak()
}

func TestAnAlienThatIsToBeKilledAndThatNobodyNamesDiesOnce(t *testing.T) {
	x := newLX(t)
	x.trapped()
	x.check(x.a.Kill()) // remembered: the trap is delivered
	x.l.Die(0, false)   // the trap goes back to the queue
	x.check(x.d.Close(x.ah))
	x.closeAll(x.l) // no handler any more: the alien is stranded
	x.idle()
	x.leak()
	eq(t, "dying", dying, nil)
	eq(t, "aliens", uint64(0), liveAliens())
}

// liveAliens counts the aliens in the hash.
func liveAliens() (n uint64) {
	for _, t := range alienHash {
		for ; t != nil; t = t.al.hashNext {
			n++
		}
	}
	return n
}
