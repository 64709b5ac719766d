package uksim

import (
	"flag"
	"testing"

	"aramid/ukernel/uabi"
)

var seedFlag = flag.Uint64("seed", 0, "run only this seed")

// seeds runs f for n seeds, or for the one given with -seed.
func seeds(t *testing.T, n uint64, f func(t *testing.T, seed uint64)) {
	t.Helper()
	if *seedFlag != 0 {
		f(t, *seedFlag)
		return
	}
	for i := uint64(1); i <= n && !t.Failed(); i++ {
		f(t, i)
	}
}

// machine makes a Sim that is closed when the test ends.
func machine(t *testing.T, cfg Config) *Sim {
	t.Helper()
	if cfg.Trace == 0 {
		cfg.Trace = 200
	}
	s := New(cfg)
	t.Cleanup(s.Close)
	return s
}

// rest runs s and fails the test if the run failed.
func rest(t *testing.T, s *Sim) {
	t.Helper()
	if err := s.Run(); err != nil {
		t.Fatalf("%v\n%s", err, s.TraceText())
	}
}

// must fails the run if e is not OK.
func must(k *Native, e uabi.Error, what string) {
	if e != uabi.OK {
		k.sim.Fail("%s: %s: %v", k.name, what, e)
		panic(unwind{})
	}
}

// echo answers each call with its first word doubled.
func echo(k *Native, args, env []string) {
	must(k, k.Attach(0), "attach")
	b := k.Buf()
	b.Out.Kind = uabi.AnswerNone
	for {
		must(k, k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline), "receive")
		*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
		if b.In.Kind == uabi.KindNotice {
			b.Out.Kind = uabi.AnswerNone
		}
		b.Out.W[0] = 2 * b.In.W[0]
	}
}

// client runs f as a client process with an attached buffer.
func client(f func(k *Native)) Binary {
	return func(k *Native, args, env []string) {
		must(k, k.Attach(0), "attach")
		f(k)
	}
}

func TestCallsAreAnsweredWhileTheServerCrashesAtRandom(t *testing.T) {
	seeds(t, 300, func(t *testing.T, seed uint64) {
		s := machine(t, Config{Seed: seed, CrashEvery: 20, MaxCrashes: 5, Crashable: []string{"echo"}, RestartDelay: 20 * StepNS})
		done := 0
		s.Register("echo", echo)
		s.Register("client", client(func(k *Native) {
			for i := uint64(1); i <= 10; i++ {
				*k.Buf().Out = uabi.Msg{}
				k.Buf().Out.W[0] = i
				must(k, k.Call(uabi.BootVFS), "call")
				if got := k.Buf().Out.W[0]; got != 2*i {
					s.Fail("call %d answers %d", i, got)
				}
				done++
			}
		}))
		s.Spawn(Spec{Name: "echo", Rank: uabi.RankVFS, Server: true, Binary: "echo"})
		for _, n := range []string{"a", "b", "c"} {
			s.Spawn(Spec{Name: n, Rank: uabi.RankClient, Binary: "client", Below: []string{"echo"}})
		}
		rest(t, s)
		if done != 30 {
			t.Fatalf("seed %d: %d of 30 calls answered\n%s", seed, done, s.TraceText())
		}
	})
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	run := func(seed uint64) string {
		s := New(Config{Seed: seed, CrashEvery: 20, MaxCrashes: 5, Crashable: []string{"echo"}, Trace: 100000})
		defer s.Close()
		s.Register("echo", echo)
		s.Register("client", client(func(k *Native) {
			for range 5 {
				*k.Buf().Out = uabi.Msg{}
				must(k, k.Call(uabi.BootVFS), "call")
			}
		}))
		s.Spawn(Spec{Name: "echo", Rank: uabi.RankVFS, Server: true, Binary: "echo"})
		s.Spawn(Spec{Name: "a", Rank: uabi.RankClient, Binary: "client", Below: []string{"echo"}})
		s.Spawn(Spec{Name: "b", Rank: uabi.RankClient, Binary: "client", Below: []string{"echo"}})
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		return s.TraceText()
	}
	differ := false
	for seed := uint64(1); seed < 20; seed++ {
		a, b := run(seed), run(seed)
		if a != b {
			t.Fatalf("seed %d runs differ:\n%s\n---\n%s", seed, a, b)
		}
		differ = differ || a != run(seed+100)
	}
	if !differ {
		t.Fatal("all seeds run alike")
	}
}

func TestAnAliensSyscallsAreTrapsAndSurviveTheHandlersCrashes(t *testing.T) {
	seeds(t, 200, func(t *testing.T, seed uint64) {
		s := machine(t, Config{Seed: seed, CrashEvery: 15, MaxCrashes: 6, Crashable: []string{"abi"}})
		s.Register("abi", func(k *Native, args, env []string) {
			must(k, k.Attach(0), "attach")
			b := k.Buf()
			b.Out.Kind = uabi.AnswerNone
			for {
				must(k, k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline), "receive")
				if b.In.Kind != uabi.KindTrap || b.In.Trap != uabi.TrapSyscall {
					s.Fail("abi gets kind %d trap %d", b.In.Kind, b.In.Trap)
				}
				*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
				b.Out.W[0] = b.In.Regs.RAX + b.In.Regs.RDI
			}
		})
		p := s.Spawn(Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi"})
		n := 0
		for i := range uint64(3) {
			a := s.NewAlien(s.NewSpace(), p.Endpoint(), func(a *Alien) {
				for nr := range uint64(8) {
					if got := a.Syscall(nr, i); got != nr+i {
						s.Fail("syscall %d answers %d", nr, got)
					}
					n++
				}
				a.Kill()
				a.Step()
			})
			if a.Origin() != i+1 {
				t.Fatalf("origin %d of alien %d", a.Origin(), i)
			}
		}
		rest(t, s)
		if n != 24 || s.Live(uabi.TypeThread) != 0 {
			t.Fatalf("seed %d: %d syscalls, %d aliens left\n%s", seed, n, s.Live(uabi.TypeThread), s.TraceText())
		}
	})
}
