package uksim

import (
	"testing"

	"aramid/ukernel/uabi"
)

// serve answers messages with f until the run ends; f may say false to leave Out as it made it.
func serve(f func(k *Native, in, out *uabi.Msg)) Binary {
	return client(func(k *Native) {
		b := k.Buf()
		b.Out.Kind = uabi.AnswerNone
		for {
			must(k, k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline), "receive")
			*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
			if b.In.Kind == uabi.KindNotice {
				b.Out.Kind = uabi.AnswerNone
			}
			f(k, b.In, b.Out)
		}
	})
}

// call makes a call with a method and a first word.
func call(k *Native, h uabi.Handle, method uint32, w uint64) uabi.Error {
	*k.Buf().Out = uabi.Msg{Method: method, W: [6]uint64{w}}
	return k.Call(h)
}

func TestACallMustGoToALowerRank(t *testing.T) {
	s := machine(t, Config{Seed: 1})
	s.Register("low", serve(func(k *Native, in, out *uabi.Msg) {
		e := call(k, SlotAlso, 0, 0)
		*out = uabi.Msg{Kind: uabi.AnswerResult, W: [6]uint64{uint64(e)}}
	}))
	s.Register("high", serve(func(k *Native, in, out *uabi.Msg) {
		if in.Kind == uabi.KindCall {
			must(k, call(k, uabi.BootMM, 0, 0), "downward")
			want(k, "upward", uabi.Error(k.Buf().Out.W[0]), uabi.ErrDeadlock)
			*out = uabi.Msg{Kind: uabi.AnswerResult}
		}
	}))
	s.Register("client", client(func(k *Native) { must(k, call(k, uabi.BootVFS, 0, 0), "call") }))
	low := s.Spawn(Spec{Name: "low", Rank: uabi.RankMM, Server: true, Binary: "low"})
	high := s.Spawn(Spec{Name: "high", Rank: uabi.RankVFS, Server: true, Binary: "high", Below: []string{"low"}})
	low.install(SlotAlso, high.Endpoint(), uabi.RightCall)
	s.Spawn(Spec{Name: "client", Rank: uabi.RankClient, Binary: "client", Below: []string{"high"}})
	rest(t, s)
	if p := s.Process("client"); p.Exit() != 0 || p.State() != uabi.ProcessDead {
		t.Fatalf("the client did not end\n%s", s.TraceText())
	}
}

// Methods of the badge server.
const (
	openIt = 1 + iota
	useIt
)

func TestTheLastHandleOfABadgeIsReportedOnceAndANewOneCancelsIt(t *testing.T) { // R6
	seeds(t, 200, func(t *testing.T, seed uint64) {
		s := machine(t, Config{Seed: seed, CrashEvery: 25, MaxCrashes: 3, Crashable: []string{"badges"}})
		alive := map[uint64]bool{} // the server's kept truth
		s.Register("badges", serve(func(k *Native, in, out *uabi.Msg) {
			switch {
			case in.Kind == uabi.KindNotice:
				if _, e := k.Mint(uabi.BootEndpoint, in.W[1], uabi.RightCall); e != uabi.ErrStale {
					s.Fail("%d lives after its notice: %v", in.W[1], e)
				}
				delete(alive, in.W[1])
			case in.Method == openIt:
				n := in.W[0]
				h, e := k.Mint(uabi.BootEndpoint, n, uabi.RightCall|uabi.RightTransfer)
				must(k, e, "mint")
				alive[n] = true
				out.NHandles, out.Handle[0] = 1, h
				must(k, k.Reply(), "reply")
				k.Close(h)
				out.Kind = uabi.AnswerNone
			case in.Method == useIt:
				out.W[0] = in.Badge
				if !alive[in.Badge] {
					s.Fail("badge %d was reported gone and is called", in.Badge)
				}
			}
		}))
		s.Register("client", client(func(k *Native) {
			for i := range uint64(4) {
				must(k, call(k, uabi.BootVFS, openIt, i+1), "open")
				h := k.Buf().Out.Handle[0]
				d, e := k.Dup(h, uabi.RightCall)
				must(k, e, "dup")
				weak, e := k.Dup(h, uabi.RightCall|uabi.RightWeak)
				must(k, e, "weak")
				must(k, k.Close(h), "close")
				must(k, call(k, d, useIt, 0), "use")
				must(k, k.Close(d), "close")
				if e := call(k, weak, useIt, 0); e != uabi.OK {
					want(k, "a weak handle after the end", e, uabi.ErrStale)
				}
				k.Close(weak)
			}
		}))
		p := s.Spawn(Spec{Name: "badges", Rank: uabi.RankVFS, Server: true, Binary: "badges"})
		s.Spawn(Spec{Name: "client", Rank: uabi.RankClient, Binary: "client", Below: []string{"badges"}})
		rest(t, s)
		// An image that ended between Mint and Close left a handle in its table: its own affair.
		if left := p.Endpoint().BadgesAlive(); left > s.CrashCount() {
			t.Fatalf("seed %d: %d badges alive\n%s", seed, left, s.TraceText())
		}
	})
}

func TestARequestThatCrashesItsServerTwiceComesMarkedTheThirdTime(t *testing.T) {
	s := machine(t, Config{Seed: 1, PanicIsCrash: func(string, any) bool { return true }})
	var flags []uint32
	s.Register("weak", serve(func(k *Native, in, out *uabi.Msg) {
		flags = append(flags, in.Flags&(uabi.FlagResend|uabi.FlagQuarantine))
		if in.Flags&uabi.FlagQuarantine == 0 {
			panic("poison")
		}
		out.Status = -int32(uabi.ErrIO)
	}))
	s.Register("client", client(func(k *Native) { want(k, "call", call(k, uabi.BootVFS, 0, 0), uabi.ErrIO) }))
	s.Spawn(Spec{Name: "weak", Rank: uabi.RankVFS, Server: true, Binary: "weak"})
	s.Spawn(Spec{Name: "client", Rank: uabi.RankClient, Binary: "client", Below: []string{"weak"}})
	rest(t, s)
	if len(flags) != 3 || flags[0] != 0 || flags[1] != uabi.FlagResend || flags[2] != uabi.FlagResend|uabi.FlagQuarantine {
		t.Fatalf("flags %v\n%s", flags, s.TraceText())
	}
}

func TestAWaitOfANativeCallIsHandedOnWithAHandleOfTheEvent(t *testing.T) { // R11
	s := machine(t, Config{Seed: 1})
	s.Register("wait", client(func(k *Native) {
		ev, _ := k.EventCreate(uabi.BootAccount)
		b := k.Buf()
		b.Out.Kind = uabi.AnswerNone
		for {
			must(k, k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline), "receive")
			*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
			switch b.In.Method {
			case 0:
				_, since, _ := k.EventRead(ev)
				b.Out.Kind, b.Out.Wait = uabi.AnswerWait, uabi.WaitSpec{Event: ev, Mask: 1, Since: since, Deadline: uabi.NoDeadline}
			case 1:
				k.EventUpdate(ev, 0, 0, 1)
			}
		}
	}))
	s.Register("client", client(func(k *Native) {
		want(k, "call", call(k, uabi.BootVFS, 0, 0), uabi.ErrWait)
		w := k.Buf().Out.Wait
		must(k, call(k, uabi.BootVFS, 1, 0), "raise")
		bits, e := k.EventWait(w.Event, w.Mask, w.Since, w.Deadline)
		must(k, e, "the raise between looking and waiting is not lost")
		want(k, "bits", bits, 1)
		_, e = k.EventUpdate(w.Event, 1, 0, 0)
		want(k, "it is for looking only", e, uabi.ErrRights)
	}))
	s.Spawn(Spec{Name: "wait", Rank: uabi.RankVFS, Server: true, Binary: "wait"})
	s.Spawn(Spec{Name: "client", Rank: uabi.RankClient, Binary: "client", Below: []string{"wait"}})
	rest(t, s)
	if p := s.Process("client"); p.State() != uabi.ProcessDead {
		t.Fatalf("the client did not end\n%s", s.TraceText())
	}
}

func TestThreadGoneGoesToTheHighestRankFirst(t *testing.T) { // R13
	seeds(t, 50, func(t *testing.T, seed uint64) {
		s := machine(t, Config{Seed: seed, CrashEvery: 10, MaxCrashes: 4, Crashable: []string{"a", "b"}})
		var order []string
		told := func(name string) Binary {
			return client(func(k *Native) {
				must(k, k.Subscribe(uabi.BootEndpoint), "subscribe")
				b := k.Buf()
				for {
					b.Out.Kind = uabi.AnswerNone
					must(k, k.Receive(uabi.BootEndpoint, uabi.NoDeadline), "receive")
					want(k, "notice", b.In.W[0], uabi.NoticeThread)
					if n := len(order); n == 0 || order[n-1] != name {
						order = append(order, name)
					}
					must(k, k.ThreadAck(uabi.BootEndpoint, b.In.W[1]), "ack")
				}
			})
		}
		s.Register("a", told("a"))
		s.Register("b", told("b"))
		s.Register("abi", serve(func(k *Native, in, out *uabi.Msg) {}))
		s.Spawn(Spec{Name: "b", Rank: uabi.RankMM, Server: true, Binary: "b"})
		s.Spawn(Spec{Name: "a", Rank: uabi.RankVFS, Server: true, Binary: "a"})
		abi := s.Spawn(Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi"})
		rest(t, s)
		a := s.NewAlien(s.NewSpace(), abi.Endpoint(), func(a *Alien) {
			a.Syscall(1)
			a.Kill()
			a.Step()
		})
		rest(t, s)
		if !a.Gone() || len(order) != 2 || order[0] != "a" || order[1] != "b" {
			t.Fatalf("seed %d: told %v\n%s", seed, order, s.TraceText())
		}
		if s.Live(uabi.TypeThread) != 0 || s.Live(uabi.TypeSpace) != 3 {
			t.Fatalf("seed %d: the alien is kept", seed)
		}
	})
}

func TestASignalFrameRunsAHandlerAndGoesBack(t *testing.T) {
	const handlerAt = 0x1234000
	s := machine(t, Config{Seed: 1})
	var saved uabi.Regs
	s.Register("abi", serve(func(k *Native, in, out *uabi.Msg) {
		r := argRegs(k.Buf().Arg)
		switch {
		case in.Regs.RAX == 1: // the call that is "interrupted": run the handler, then repeat the call
			if saved.RIP != 0 {
				out.W[0] = 55
				return
			}
			saved = in.Regs
			saved.RIP -= syscallLen
			*r = in.Regs
			r.RIP, r.RDI = handlerAt, 9
			out.Kind = uabi.AnswerRegs
		case in.Regs.RAX == 2: // sigreturn
			*r = saved
			out.Kind = uabi.AnswerRegs
		}
	}))
	abi := s.Spawn(Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi"})
	handled, got := uint64(0), uint64(0)
	s.Code(handlerAt, func(a *Alien) {
		handled = a.Regs().RDI
		a.Syscall(2)
	})
	s.NewAlien(s.NewSpace(), abi.Endpoint(), func(a *Alien) {
		got = a.Syscall(1)
		a.Kill()
		a.Step()
	})
	rest(t, s)
	if handled != 9 || got != 55 {
		t.Fatalf("handler got %d, the repeated call %d\n%s", handled, got, s.TraceText())
	}
}
