package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/ipc"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
	"aramid/ukernel/uksim"
)

// stubs are procd and vfsd as far as netd asks them. They have no state of their own.
type stub struct{}

func (stub) Save() []byte              { return nil }
func (stub) Load([]byte) error         { return nil }
func (stub) Handles(func(uabi.Handle)) {}

// stubProc knows one caller: user 1000 with the world's capabilities.
type stubProc struct {
	stub
	proc.Handler[*server.Ctx] // what is not here panics
	w                         *world
}

func (s stubProc) Creds(c *server.Ctx, in *proc.PidRequest, out *proc.CredsReply) uabi.Error {
	out.Ruid, out.Euid, out.Suid, out.Rgid, out.Egid, out.Sgid = 1000, 1001, 1002, 2000, 2001, 2002
	out.Groups, out.Effective = []uint32{50, 60}, s.w.capabilities
	return uabi.OK
}

func (stubProc) Identity(c *server.Ctx, in *proc.PidRequest, out *proc.IdentityReply) uabi.Error {
	return uabi.ErrSearch
}

// stubVFS gives files, and is told what to forget.
type stubVFS struct {
	stub
	vfs.Handler[*server.Ctx]
	w *world
}

func (s stubVFS) Open(c *server.Ctx, in *vfs.OpenRequest, out *vfs.OpenReply) uabi.Error {
	h, err := c.Mint(uint64(in.Mode))
	out.File = uint32(h)
	return err
}

func (s stubVFS) Forget(c *server.Ctx, in *vfs.ForgetRequest, out *vfs.EmptyReply) uabi.Error {
	if !c.Replaying() {
		s.w.forgot[in.Id] = true
	}
	return uabi.OK
}

// world is a machine with netd, and stubs below it.
type world struct {
	*uksim.Sim
	t            *testing.T
	names        int
	capabilities uint64 // of every caller, 1<<CAP_*
	forgot       map[uint64]bool
	gone         map[uint64]bool // of vfsd's files
}

const pageSize = 4096

// keptSize is a server's kept memory, bytes.
const keptSize = server.MinKept + pageSize&^(server.MinKept%pageSize)

func newWorld(t *testing.T, sim uksim.Config) *world {
	sim.Trace = 300
	w := &world{Sim: uksim.New(sim), t: t, capabilities: 1 << unix.CAP_NET_ADMIN, forgot: map[uint64]bool{}, gone: map[uint64]bool{}}
	w.Register("netd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		err := server.Run(k, servertest.Watch(Spec()))
		k.ProcessExit(uint64(server.ExitStatus(err)))
	})
	w.Register("procd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		server.Run(k, server.Spec{Name: "procd", Rank: uabi.RankProc, Service: proc.Service[*server.Ctx](stubProc{w: w}), State: stub{}})
	})
	w.Register("vfsd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		server.Run(k, server.Spec{Name: "vfsd", Rank: uabi.RankVFS, Service: vfs.Service[*server.Ctx](stubVFS{w: w}), State: stub{},
			Gone: func(c *server.Ctx, badge uint64) { w.gone[badge] = true }})
	})
	w.Spawn(uksim.Spec{Name: "procd", Rank: uabi.RankProc, Server: true, Binary: "procd", Kept: keptSize})
	w.Spawn(uksim.Spec{Name: "vfsd", Rank: uabi.RankVFS, Server: true, Binary: "vfsd", Kept: keptSize})
	p := w.Spawn(uksim.Spec{Name: "netd", Rank: uabi.RankNet, Server: true, Binary: "netd", Kept: keptSize, Below: []string{"procd", "vfsd"}})
	w.snapshots(p)
	return w
}

// snapshots has the server write a few at times that the seed picks.
func (w *world) snapshots(p *uksim.Process) {
	control := w.NewEvent()
	p.Endpoint().Bind(control, server.ControlKey, server.ControlSnapshot)
	for range 3 {
		w.After(w.Rand().Uint64N(1000*uksim.StepNS), func() { control.Update(0, 0, server.ControlSnapshot) })
	}
}

// client runs f as a native client.
func (w *world) client(f func(c *client)) {
	w.names++
	name := fmt.Sprintf("client%d", w.names)
	w.Register(name, func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		th, err := ipc.NewThread(k, 0)
		if err != uabi.OK {
			w.Fail("%s: %v", name, err)
		}
		f(&client{w: w, k: k, t: th, net: net.Client{H: uabi.BootNet}})
		k.ProcessExit(0)
	})
	w.Spawn(uksim.Spec{Name: name, Rank: uabi.RankClient, Binary: name, Below: []string{"netd", "vfsd"}})
}

// run runs the machine until nothing can, and checks that every socket is gone: netd has what it has at its start.
func (w *world) run() {
	w.t.Helper()
	defer w.Close()
	if err := w.Run(); err != nil {
		w.t.Fatalf("%v\n%s", err, w.TraceText())
	}
	if n := w.Process("netd").Endpoint().BadgesAlive(); n != 0 {
		w.t.Errorf("%d badges are alive", n)
	}
	if n := w.Live(uabi.TypeMemory); n != w.memories() {
		w.t.Errorf("%d memory objects are left, want %d", n, w.memories())
	}
}

// memories is how many memory objects there are without any socket: kept memories.
func (w *world) memories() int { return 3 }

// client is a program that uses netd. Its methods fail the run when the answer is not as expected.
type client struct {
	w   *world
	k   *uksim.Native
	t   *ipc.Thread
	net net.Client
}

func (c *client) want(what string, got, want uabi.Error) {
	if got != want {
		c.w.Fail("%s: %v, want %v", what, got, want)
	}
}

// until sends a request as often as it has to wait.
func (c *client) until(what string, want uabi.Error, f func() uabi.Error) {
	for {
		err := f()
		if err == uabi.ErrWait && want != uabi.ErrWait {
			c.t.Wait()
			continue
		}
		c.want(what, err, want)
		return
	}
}

func (c *client) socket(domain, typ, protocol uint32) net.Client {
	var out net.SocketReply
	c.want("socket", c.net.Socket(c.t, &net.SocketRequest{Domain: domain, Type: typ, Protocol: protocol}, &out), uabi.OK)
	return net.Client{H: uabi.Handle(out.File)}
}

func (c *client) pair(typ uint32) (a, b net.Client) {
	var out net.PairReply
	c.want("pair", c.net.Pair(c.t, &net.SocketRequest{Domain: unix.AF_UNIX, Type: typ}, &out), uabi.OK)
	return net.Client{H: uabi.Handle(out.File)}, net.Client{H: uabi.Handle(out.File2)}
}

func (c *client) close(list ...net.Client) {
	for _, s := range list {
		c.want("close", c.k.Close(s.H), uabi.OK)
	}
}

func (c *client) nonblock(s net.Client) {
	c.want("flags", vfs.Client{H: s.H}.Flags(c.t, &vfs.FlagsRequest{Set: true, Flags: unix.O_NONBLOCK}, &vfs.CountReply{}), uabi.OK)
}

// buffer is s on the heap, where a small one would not be if it had no room for more.
func buffer(s string) []byte { return append(make([]byte, 0, len(s)+64), s...) }

func (c *client) send(s net.Client, text string, flags uint32, want uabi.Error) int {
	b := buffer(text)
	var out net.CountReply
	c.until("send", want, func() uabi.Error {
		return s.Send(c.t, &net.FlagsRequest{Flags: flags}, &out, uk.Grant(b, uabi.RightRead))
	})
	runtime.KeepAlive(b)
	return int(out.Count)
}

// refused sends until it is told that, since netd learns a little later that a handle is gone.
func (c *client) refused(s net.Client, want uabi.Error) {
	b := buffer("x")
	err := uabi.OK
	for range 1000 {
		if err = s.Send(c.t, &net.FlagsRequest{Flags: unix.MSG_DONTWAIT}, &net.CountReply{}, uk.Grant(b, uabi.RightRead)); err == want {
			break
		}
	}
	runtime.KeepAlive(b)
	c.want("send to nobody", err, want)
}

func (c *client) recv(s net.Client, n int, flags uint32, want uabi.Error) string {
	b := buffer(strings.Repeat("?", n))
	var out net.CountReply
	c.until("recv", want, func() uabi.Error {
		return s.Recv(c.t, &net.FlagsRequest{Flags: flags}, &out, uk.Grant(b, uabi.RightWrite))
	})
	return string(b[:min(int(out.Count), n)])
}

func (c *client) reads(s net.Client, want string) {
	if got := c.recv(s, 100, 0, uabi.OK); got != want {
		c.w.Fail("received %q, want %q", got, want)
	}
}

// message sends with everything that in says.
func (c *client) message(s net.Client, text string, in *net.MessageRequest, want uabi.Error) {
	b := buffer(text)
	in.Total = uint64(len(b))
	c.until("message", want, func() uabi.Error { return s.SendMessage(c.t, in, &net.CountReply{}, uk.Grant(b, uabi.RightRead)) })
	runtime.KeepAlive(b)
}

// receive gives a message's text and what netd says of it.
func (c *client) receive(s net.Client, flags, control uint32, want uabi.Error) (string, *net.MessageReply) {
	b := buffer(strings.Repeat("?", 200))
	out := &net.MessageReply{}
	c.until("receive", want, func() uabi.Error {
		return s.RecvMessage(c.t, &net.ReceiveRequest{Flags: flags, Control: control}, out, uk.Grant(b, uabi.RightWrite))
	})
	out.Name, out.Data = append([]byte(nil), out.Name...), append([]byte(nil), out.Data...)
	return string(b[:min(int(out.Count), len(b))]), out
}

func (c *client) bind(s net.Client, in *net.AddressRequest, want uabi.Error) {
	in.Family = unix.AF_UNIX
	c.want("bind", s.Bind(c.t, in, &net.EmptyReply{}), want)
}

func (c *client) connect(s net.Client, in *net.AddressRequest, want uabi.Error) {
	in.Family = unix.AF_UNIX
	c.until("connect", want, func() uabi.Error { return s.Connect(c.t, in, &net.EmptyReply{}) })
}

func (c *client) accept(s net.Client, want uabi.Error) net.Client {
	var out net.AcceptReply
	c.until("accept", want, func() uabi.Error { return s.Accept(c.t, &net.AcceptRequest{}, &out) })
	return net.Client{H: uabi.Handle(out.File)}
}

func (c *client) level(s net.Client, want uint32) {
	var out vfs.PollReply
	c.want("poll", vfs.Client{H: s.H}.Poll(c.t, &vfs.EmptyRequest{}, &out), uabi.OK)
	c.k.Close(uabi.Handle(out.Event))
	if out.Level&(unix.POLLIN|unix.POLLOUT|unix.POLLERR|unix.POLLHUP|unix.POLLRDHUP) != want {
		c.w.Fail("poll says %#x, want %#x", out.Level, want)
	}
}

func (c *client) set(s net.Client, level, name uint32, value []byte, want uabi.Error) {
	c.want(fmt.Sprint("option ", name), s.SetOption(c.t, &net.OptionRequest{Level: level, Name: name, Value: value}, &net.EmptyReply{}), want)
}

func (c *client) get(s net.Client, level, name uint32, want uabi.Error) []byte {
	var out net.OptionReply
	c.want(fmt.Sprint("option ", name), s.GetOption(c.t, &net.OptionRequest{Level: level, Name: name}, &out), want)
	return append([]byte(nil), out.Value...)
}

// read is read(2)'s request.
func (c *client) read(s net.Client, n int, want uabi.Error) string {
	b := buffer(strings.Repeat("?", n))
	var out vfs.CountReply
	c.until("read", want, func() uabi.Error {
		return vfs.Client{H: s.H}.Read(c.t, &vfs.ReadRequest{Offset: -1}, &out, uk.Grant(b, uabi.RightWrite))
	})
	return string(b[:out.Count])
}

// write is write(2)'s request.
func (c *client) write(s net.Client, text string, want uabi.Error) {
	b := buffer(text)
	c.until("write", want, func() uabi.Error {
		return vfs.Client{H: s.H}.Write(c.t, &vfs.ReadRequest{Offset: -1}, &vfs.CountReply{}, uk.Grant(b, uabi.RightRead))
	})
	runtime.KeepAlive(b)
}

// alien runs f in the handler of an alien's first trap; f's calls are steps of that trap. The alien has no memory mapped, and waits in its second
// trap for ever.
func (w *world) alien(f func(k *uksim.Native, c ipc.Caller)) {
	const first, second = 1, 2
	w.Register("abi", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		lane := ipc.Lane{K: k, Rank: uabi.RankLinux}
		b := k.Buf()
		for k.Receive(uabi.BootEndpoint, uabi.NoDeadline) == uabi.OK {
			if b.In.Kind != uabi.KindTrap {
				continue
			}
			*b.Out = uabi.Msg{Kind: uabi.AnswerStop}
			if b.In.Regs.RAX == first {
				lane.Begin()
				f(k, &lane)
				*b.Out = uabi.Msg{Kind: uabi.AnswerResult}
			}
			k.Reply()
		}
	})
	p := w.Spawn(uksim.Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi", Below: []string{"netd", "vfsd"}})
	w.NewAlien(w.NewSpace(), p.Endpoint(), func(a *uksim.Alien) {
		a.Syscall(first)
		a.Syscall(second)
	})
}

// sweep runs a script once without a crash and then with netd crashing at each of its steps (every stride-th), and at random ones.
func sweep(t *testing.T, stride int, script func(w *world)) {
	t.Helper()
	w := newWorld(t, uksim.Config{Seed: 1})
	script(w)
	w.run()
	steps := w.Process("netd").Steps()
	if steps < 10 {
		t.Fatalf("netd took %d steps", steps)
	}
	for at := 1; at <= steps && !t.Failed(); at += stride {
		w := newWorld(t, uksim.Config{Seed: uint64(at), Crashes: []uksim.Crash{{Process: "netd", Step: at}}})
		script(w)
		w.run()
		if t.Failed() {
			t.Fatalf("with a crash at step %d of %d", at, steps)
		}
	}
	for seed := range uint64(randomRuns) {
		w := newWorld(t, uksim.Config{Seed: 1000 + seed, CrashEvery: 60, MaxCrashes: 12, Crashable: []string{"netd"}, RestartDelay: 50_000})
		script(w)
		w.run()
		if t.Failed() {
			t.Fatalf("with random crashes, seed %d", seed)
		}
	}
	t.Logf("%d steps", steps)
}

// randomRuns is how often each script runs with many crashes at random steps.
const randomRuns = 15
