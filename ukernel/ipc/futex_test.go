package ipc

import (
	"encoding/binary"
	"testing"

	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"

	"pgregory.net/rapid"
)

const etimedout = ^uint64(109)

func (n *natives) futex(t *Thread, va uint64, value, bits uint32, deadline uint64) {
	n.t.Helper()
	n.on(t)
	FutexWait(t, va, value, bits, false, deadline, etimedout)
	n.leave()
}

func (n *natives) word(va uint64, v uint32) {
	n.t.Helper()
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	_, err := n.p.Space.Write(va, b[:])
	n.check(err)
}

func TestAFutexWaitComparesAndParksInOneStep(t *testing.T) {
	n := newNatives(t)
	th := n.native(n.p)
	n.word(dataVA, 5)
	n.futex(th, dataVA, 6, allBits, uabi.NoDeadline)
	eq(t, "differs", status(th), uabi.ErrAgain)
	n.futex(th, dataVA+1, 5, allBits, uabi.NoDeadline)
	eq(t, "unaligned", status(th), uabi.ErrArg)
	n.futex(th, 0x900000000, 0, allBits, uabi.NoDeadline)
	eq(t, "unmapped", status(th), uabi.ErrFault)
	n.futex(th, dataVA, 5, allBits, 700)
	eq(t, "waits", th.block, BlockFutex)
	n.tick(700)
	eq(t, "deadline", th.Ctx.Regs.RAX, etimedout)
	n.futex(th, dataVA, 5, 2, uabi.NoDeadline)
	w, err := FutexWake(n.p.Space, dataVA, 9, 1, false)
	n.check(err)
	eq(t, "bitset", w, 0)
	w, _ = FutexWake(n.p.Space, dataVA, 9, 2, false)
	eq(t, "woken", w, 1)
	eq(t, "RAX", th.Ctx.Regs.RAX, 0)
	n.leak()
}

func TestASharedFutexIsTheSameWordInEverySpaceThatMapsIt(t *testing.T) {
	n := newNatives(t)
	q := n.process(uabi.RankClient, 0)
	m, err := vm.NewMemory(n.acct, frame.Size, 0)
	n.check(err)
	for i, p := range []*Process{n.p, q} {
		_, err := p.Space.Map(&vm.MapArgs{Va: 0x800000 + uint64(i)*0x10000, Len: frame.Size, Memory: m,
			Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapShared, Max: uabi.ProtRead | uabi.ProtWrite})
		n.check(err)
	}
	m.Release()
	th := n.native(n.p)
	n.on(th)
	FutexWait(th, 0x800008, 0, allBits, true, uabi.NoDeadline, 0)
	n.leave()
	w, err := FutexWake(q.Space, 0x810008, 1, allBits, false)
	n.check(err)
	eq(t, "private key", w, 0)
	w, err = FutexWake(q.Space, 0x810008, 1, allBits, true)
	n.check(err)
	eq(t, "shared key", w, 1)
	n.leak()
}

func TestRequeueMovesWaitersWithoutWakingThem(t *testing.T) {
	n := newNatives(t)
	n.word(dataVA, 1)
	var ts []*Thread
	for range 4 {
		th := n.native(n.p)
		ts = append(ts, th)
		n.futex(th, dataVA, 1, allBits, uabi.NoDeadline)
	}
	_, err := FutexRequeue(n.p.Space, dataVA, 1, dataVA+64, 2, 9, uabi.FutexCompare)
	eq(t, "compare", err, uabi.ErrAgain)
	k, err := FutexRequeue(n.p.Space, dataVA, 1, dataVA+64, 2, 1, uabi.FutexCompare)
	n.check(err)
	eq(t, "woken and moved", k, 3)
	eq(t, "woken", ts[0].runnable(), true)
	w, _ := FutexWake(n.p.Space, dataVA, 9, allBits, false)
	eq(t, "left", w, 1)
	eq(t, "the last", ts[3].runnable(), true)
	w, _ = FutexWake(n.p.Space, dataVA+64, 1, allBits, false)
	eq(t, "moved", w, 1)
	eq(t, "in order", ts[1].runnable() && !ts[2].runnable(), true)
	n.leak()
}

func TestWakeOpChangesTheWordAndWakesBothAsItCompares(t *testing.T) {
	op := func(o, arg, c, carg uint32) uint32 {
		return o<<opShift | c<<cmpShift | arg&0xfff<<argShift | carg&0xfff
	}
	minus1 := ^uint32(0)
	for _, c := range []struct {
		op, old, now uint32
		second       bool
	}{
		{op(opSet, 7, cmpEqual, 3), 3, 7, true},
		{op(opAdd, minus1, cmpGreater, 3), 3, 2, false},
		{op(opOr, 4, cmpLessEqual, 3), 3, 7, true},
		{op(opAndNot, 1, cmpNot, 3), 3, 2, false},
		{op(opXor, 5, cmpGreaterEqual, minus1), 3, 6, true},
		{op(opSet|opArgShift, 9, cmpLess, minus1), 0x80000000, 512, true},
	} {
		n := newNatives(t)
		n.word(dataVA+4, c.old)
		a, b := n.native(n.p), n.native(n.p)
		n.futex(a, dataVA, 0, allBits, uabi.NoDeadline)
		n.futex(b, dataVA+4, c.old, allBits, uabi.NoDeadline)
		_, err := FutexOp(n.p.Space, dataVA, 1, dataVA+4, 1, c.op, false)
		n.check(err)
		v, err := load(n.p.Space, dataVA+4)
		n.check(err)
		eq(t, "word", v, c.now)
		eq(t, "first", a.runnable(), true)
		eq(t, "second", b.runnable(), c.second)
		_, err = FutexOp(n.p.Space, dataVA, 1, dataVA+4, 1, 7<<opShift, false)
		eq(t, "unknown", err, uabi.ErrUnsupported)
		n.leak()
	}
}

func TestAnAlienOnAFutexComesBackWithTheReason(t *testing.T) {
	x := newLX(t)
	answer := func(value uint32, deadline uint64) {
		o := out(x.lt, uabi.AnswerFutex)
		o.Futex = uabi.FutexArgs{Addr: dataVA, Value: value, Bitset: allBits}
		o.Wait.Deadline = deadline
		eq(t, "reply", x.reply(x.lt), uabi.OK)
	}
	x.trapped()
	answer(0, uabi.NoDeadline)
	eq(t, "parked", x.a.block, BlockFutex)
	w, err := FutexWake(x.a.Space, dataVA, 1, allBits, false)
	x.check(err)
	eq(t, "woken", w, 1)
	eq(t, "flags", x.handle().Flags, uabi.FlagEvent|uabi.FlagRedeliver)
	answer(1, uabi.NoDeadline)
	eq(t, "differs", x.handle().Status, -int32(uabi.ErrAgain))
	answer(0, 300)
	x.tick(300)
	eq(t, "flags", x.handle().Flags, uabi.FlagTimeout|uabi.FlagRedeliver)
	out(x.lt, uabi.AnswerResult)
	x.reply(x.lt)
	x.trapped()
	answer(0, uabi.NoDeadline)
	x.check(x.a.Interrupt(true))
	eq(t, "flags", x.handle().Flags, uabi.FlagInterrupt|uabi.FlagRedeliver)
	x.end()
}

func TestFutexesFollowTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNatives(t)
		var ts []*Thread
		for range 5 {
			ts = append(ts, n.native(n.p))
		}
		model := map[uint64][]*Thread{} // waiters by word, in order
		bits := map[*Thread]uint32{}
		addr := rapid.Custom(func(t *rapid.T) uint64 { return dataVA + 4*rapid.Uint64Range(0, 2).Draw(t, "word") })
		mask := rapid.Uint32Range(1, 3)
		wake := func(va uint64, count, b uint32) (k uint32) {
			var left []*Thread
			for _, x := range model[va] {
				if k < count && bits[x]&b != 0 {
					k++
					delete(bits, x)
				} else {
					left = append(left, x)
				}
			}
			model[va] = left
			return k
		}
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				x := ts[rapid.IntRange(0, 4).Draw(t, "thread")]
				if bits[x] != 0 {
					t.Skip("it waits")
				}
				va, b := addr.Draw(t, "va"), mask.Draw(t, "bits")
				n.futex(x, va, 0, b, uabi.NoDeadline)
				model[va] = append(model[va], x)
				bits[x] = b
			},
			"wake": func(t *rapid.T) {
				va, c, b := addr.Draw(t, "va"), rapid.Uint32Range(0, 3).Draw(t, "count"), mask.Draw(t, "bits")
				got, err := FutexWake(n.p.Space, va, c, b, false)
				n.check(err)
				eq(t, "woken", got, wake(va, c, b))
			},
			"requeue": func(t *rapid.T) {
				va, vb := addr.Draw(t, "va"), addr.Draw(t, "va2")
				c, q := rapid.Uint32Range(0, 2).Draw(t, "wake"), rapid.Uint32Range(0, 3).Draw(t, "requeue")
				got, err := FutexRequeue(n.p.Space, va, c, vb, q, 0, 0)
				n.check(err)
				k := wake(va, c, allBits)
				m := min(int(q), len(model[va]))
				if va != vb {
					moved := model[va][:m:m]
					model[va] = model[va][m:]
					model[vb] = append(model[vb], moved...)
				}
				eq(t, "woken and moved", got, k+uint32(m))
			},
			"": func(t *rapid.T) {
				for _, x := range ts {
					eq(t, "waits", x.block == BlockFutex, bits[x] != 0)
				}
			},
		})
		n.leak()
	})
}
