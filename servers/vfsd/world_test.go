package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/erofs/go-erofs"
	"github.com/u-root/u-root/pkg/cpio"
	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/ipc"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
	"aramid/ukernel/uksim"
)

// stubProc is procd as far as vfsd asks it.
type stubProc struct {
	proc.Handler[*server.Ctx] // what is not here panics
	kills                     []string
	signals                   // pending ones
	groups                    stubGroups
	fs                        uint64 // fs context of process 1
}

func (s *stubProc) Save() []byte      { return nil }
func (s *stubProc) Load([]byte) error { return nil }
func (s *stubProc) Handles(f func(uabi.Handle)) {
	if s.groups.event != 0 {
		f(s.groups.event)
	}
}

func (s *stubProc) Creds(c *server.Ctx, in *proc.PidRequest, out *proc.CredsReply) uabi.Error {
	if out.Groups = []uint32{50}; uint32(c.Context(ctx.UID)) == 0 || uint32(c.Context(ctx.UID)) == admin {
		out.Effective = s.effective
	}
	return uabi.OK
}

func (s *stubProc) Identity(c *server.Ctx, in *proc.PidRequest, out *proc.IdentityReply) uabi.Error {
	if in.Pid != 1 {
		return uabi.ErrSearch
	}
	out.Pid, out.Serial = 1, s.serial
	return uabi.OK
}

func (s *stubProc) Status(c *server.Ctx, in *proc.PidRequest, out *proc.StatusReply) uabi.Error {
	if in.Pid > 1 { // a native client, which is no process, passes for process 1
		return uabi.ErrSearch
	}
	out.Pid, out.Name, out.Exe, out.State, out.Threads = 1, "init", "/bin/init", "S", 1
	out.Cmdline = []byte("init\x00-x\x00")
	out.Cgroup, out.FsId = max(s.groups.of, 1), s.fs
	return uabi.OK
}

func (s *stubProc) List(c *server.Ctx, in *proc.ListRequest, out *proc.ListReply) uabi.Error {
	if in.After < 1 {
		out.Pids = []int32{1}
	}
	return uabi.OK
}

func (s *stubProc) FdList(c *server.Ctx, in *proc.PidRequest, out *proc.FdListReply) uabi.Error {
	out.Fds = []int32{0, 1, 2}
	return uabi.OK
}

func (s *stubProc) Kill(c *server.Ctx, in *proc.KillRequest, out *proc.EmptyReply) uabi.Error {
	s.kills = append(s.kills, fmt.Sprint(in.Pid, " ", in.Signal))
	return uabi.OK
}

func (s *stubProc) Background(c *server.Ctx, in *proc.BackgroundRequest, out *proc.BackgroundReply) uabi.Error {
	out.Verdict = proc.Verdict_SIGNALLED
	return uabi.OK
}

func (s *stubProc) ThreadStatus(c *server.Ctx, in *proc.PidRequest, out *proc.StatusReply) uabi.Error {
	return s.Status(c, in, out)
}

// Adjust lets nobody be as safe from the lack of memory as can be.
func (s *stubProc) Adjust(c *server.Ctx, in *proc.AdjustRequest, out *proc.AdjustReply) uabi.Error {
	if in.OomScoreAdj != nil && *in.OomScoreAdj == -1000 {
		return uabi.ErrAccess
	}
	out.PidMax = 32768
	return uabi.OK
}

// stubLimit is RLIMIT_FSIZE of who has one, bytes.
const stubLimit = 1 << 20

func (s *stubProc) Limit(c *server.Ctx, in *proc.LimitRequest, out *proc.LimitReply) uabi.Error {
	out.Soft, out.Hard = stubLimit, stubLimit
	return uabi.OK
}

// Group knows the groups 1 and 2 of session 1.
func (s *stubProc) Group(c *server.Ctx, in *proc.PidRequest, out *proc.IdentityReply) uabi.Error {
	if in.Pid != 1 && in.Pid != 2 {
		return uabi.ErrSearch
	}
	out.Sid = 1
	return uabi.OK
}

func (s *stubProc) Leaving(c *server.Ctx, in *proc.OriginRequest, out *proc.PidReply) uabi.Error {
	return uabi.OK
}

// world is a machine with vfsd, a stub of procd, and a serial port.
type world struct {
	*uksim.Sim
	t       *testing.T
	stub    *stubProc
	out     bytes.Buffer // of the serial port
	in      []byte
	log     []string
	names   int
	printed string // what must have come out at the end
}

// archive makes a newc archive of regular files ("name": content), directories ("name/") and links ("name@": target). The contents of
// names that begin with "a" are page-aligned, as boot/rootfs makes them. If the first is asEROFS, it is an EROFS image of the others.
func archive(files [][2]string) []byte {
	if len(files) > 0 && files[0] == asEROFS {
		return erofsArchive(files[1:])
	}
	var recs []cpio.Record
	for _, f := range files {
		switch name := f[0]; {
		case strings.HasSuffix(name, "/"):
			recs = append(recs, cpio.Directory(strings.TrimSuffix(name, "/"), 0o755))
		case strings.HasSuffix(name, "@"):
			recs = append(recs, cpio.Symlink(strings.TrimSuffix(name, "@"), f[1]))
		default:
			recs = append(recs, cpio.StaticFile(name, f[1], 0o644))
		}
	}
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	for _, r := range recs {
		if strings.HasPrefix(r.Name, "a") && r.FileSize > 0 {
			for (b.Len()+newcHeader+len(r.Name)+1+3)&^3%pageSize != 0 {
				r.Name += "\x00"
			}
		}
		if err := w.WriteRecord(r); err != nil {
			panic(err)
		}
	}
	if err := cpio.WriteTrailer(w); err != nil {
		panic(err)
	}
	return b.Bytes()
}

const newcHeader = 110

var asEROFS = [2]string{"#erofs"}

func erofsArchive(files [][2]string) []byte {
	out := memfile{}
	w := erofs.Create(&out)
	for _, f := range files {
		var err error
		switch name := "/" + f[0]; {
		case strings.HasSuffix(name, "/"):
			err = w.Mkdir(strings.TrimSuffix(name, "/"), 0o755)
		case strings.HasSuffix(name, "@"):
			err = w.Symlink(f[1], strings.TrimSuffix(name, "@"))
		case strings.HasSuffix(name, "|"):
			err = w.Mknod(strings.TrimSuffix(name, "|"), unix.S_IFIFO|0o600, 0)
		default:
			var file *erofs.File
			if file, err = w.Create(name); err == nil {
				io.WriteString(file, f[1])
				err = file.Close()
			}
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.b
}

// memfile is an io.WriteSeeker in memory.
type memfile struct {
	b   []byte
	pos int64
}

func (m *memfile) Write(p []byte) (int, error) {
	if end := m.pos + int64(len(p)); end > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, end-int64(len(m.b)))...)
	}
	m.pos += int64(copy(m.b[m.pos:], p))
	return len(p), nil
}

func (m *memfile) Seek(off int64, whence int) (int64, error) {
	m.pos = [...]int64{off, m.pos + off, int64(len(m.b)) + off}[whence]
	return m.pos, nil
}

// keptSize is vfsd's kept memory, bytes.
const keptSize = server.MinKept + pageSize&^(server.MinKept%pageSize)

func newWorld(t *testing.T, sim uksim.Config, files [][2]string) *world {
	return newWorldOf(t, sim, archive(files))
}

func newWorldOf(t *testing.T, sim uksim.Config, image []byte) *world {
	sim.Trace = 200
	w := &world{Sim: uksim.New(sim), t: t, stub: &stubProc{}}
	w.stub.effective = 1<<64 - 1
	w.Register("vfsd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		spec := Spec(Config{
			Container: true, Image: image, Machine: Machine{CPUs: 1, Memory: 1 << 28},
			Log: func(s string) { w.log = append(w.log, s) },
		})
		err := server.Run(k, servertest.Watch(spec, spec.State.(*VFSD).wrongWriters))
		k.ProcessExit(uint64(server.ExitStatus(err)))
	})
	w.Register("procd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		server.Run(k, server.Spec{Name: "procd", Rank: uabi.RankProc, Service: proc.Service[*server.Ctx](w.stub), State: w.stub})
	})
	w.Spawn(uksim.Spec{Name: "procd", Rank: uabi.RankProc, Server: true, Binary: "procd", Kept: keptSize})
	p := w.Spawn(uksim.Spec{Name: "vfsd", Rank: uabi.RankVFS, Server: true, Binary: "vfsd", Kept: keptSize, Below: []string{"procd"}})
	p.Install(uabi.BootInitrd, w.NewMemory(image), uabi.RightRead)
	p.Install(uabi.BootPorts, w.NewPorts(), uabi.RightsAll)
	p.Install(uabi.BootIRQ, w.NewRight(), uabi.RightsAll)
	w.SetPorts(w.port)
	w.snapshots(p)
	return w
}

// port is a serial port that is never busy.
func (w *world) port(out bool, port uint16, width int, v uint32) uint32 {
	switch {
	case out && port == uartData:
		w.out.WriteByte(byte(v))
	case port == uartData && len(w.in) > 0:
		b := w.in[0]
		w.in = w.in[1:]
		return uint32(b)
	case port == uartLSR:
		if len(w.in) > 0 {
			return lsrEmpty | lsrIdle | lsrData
		}
		return lsrEmpty | lsrIdle
	}
	return 0
}

func (w *world) typed(s string) {
	w.in = append(w.in, s...)
	w.Interrupt(uartLine)
}

// client runs f as a native client of vfsd.
func (w *world) client(f func(c *client)) {
	w.names++
	name := fmt.Sprintf("client%d", w.names)
	w.Register(name, func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		th, err := ipc.NewThread(k, 0)
		if err != uabi.OK {
			w.Fail("%s: %v", name, err)
		}
		f(&client{w: w, k: k, t: th, vfs: vfs.Client{H: uabi.BootVFS}})
		k.ProcessExit(0)
	})
	w.Spawn(uksim.Spec{Name: name, Rank: uabi.RankClient, Binary: name, Below: []string{"vfsd"}})
}

func (w *world) run() {
	w.t.Helper()
	defer w.Close()
	if err := w.Run(); err != nil {
		w.t.Fatalf("%v\nlog %q\n%s", err, w.log, w.TraceText())
	}
	if got := w.out.String(); got != w.printed {
		w.t.Fatalf("printed %q, want %q\n%s", got, w.printed, w.TraceText())
	}
}

// client is a program that uses vfsd. Its methods fail the run when the answer is not as expected.
type client struct {
	w   *world
	k   *uksim.Native
	t   *ipc.Thread
	vfs vfs.Client
	// grant is the buffer that was granted last: what is here is on the heap, as uk.Grant wants it.
	grant []byte
}

func (c *client) want(what string, got, want uabi.Error) {
	if got != want {
		c.w.Fail("%s: %v, want %v", what, got, want)
	}
}

func (c *client) open(path string, flags, mode uint32, want uabi.Error) vfs.Client {
	var out vfs.OpenReply
	err := c.vfs.Open(c.t, &vfs.OpenRequest{Path: path, Flags: flags, Mode: mode}, &out)
	c.want("open "+path, err, want)
	return vfs.Client{H: uabi.Handle(out.File)}
}

func (c *client) close(f vfs.Client) { c.want("close", c.k.Close(f.H), uabi.OK) }

// read waits as long as it must.
func (c *client) read(f vfs.Client, n int, off int64, want uabi.Error) string {
	b := make([]byte, n)
	c.grant = b
	for {
		var out vfs.CountReply
		err := f.Read(c.t, &vfs.ReadRequest{Offset: off}, &out, uk.Grant(b, uabi.RightWrite))
		runtime.KeepAlive(b)
		if err == uabi.ErrWait {
			c.t.Wait()
			continue
		}
		c.want("read", err, want)
		return string(b[:out.Count])
	}
}

func (c *client) write(f vfs.Client, s string, off int64, want uabi.Error) int {
	b := append(make([]byte, 0, len(s)+1), s...)
	c.grant = b
	for {
		var out vfs.CountReply
		err := f.Write(c.t, &vfs.ReadRequest{Offset: off}, &out, uk.Grant(b, uabi.RightRead))
		runtime.KeepAlive(b)
		if err == uabi.ErrWait {
			c.t.Wait()
			continue
		}
		c.want("write", err, want)
		return int(out.Count)
	}
}

func (c *client) reads(f vfs.Client, n int, want string) {
	if got := c.read(f, n, -1, uabi.OK); got != want {
		c.w.Fail("read %q, want %q", got, want)
	}
}

func (c *client) stat(path string, want uabi.Error) *vfs.Stat {
	out := &vfs.Stat{}
	c.want("stat "+path, c.vfs.StatAt(c.t, &vfs.PathRequest{Path: path}, out), want)
	return out
}

func (c *client) mkdir(path string, want uabi.Error) {
	c.want("mkdir "+path, c.vfs.MakeAt(c.t, &vfs.MakeRequest{Path: path, Mode: 0o40755}, &vfs.EmptyReply{}), want)
}

func (c *client) unlink(path string, flags uint32, want uabi.Error) {
	c.want("unlink "+path, c.vfs.UnlinkAt(c.t, &vfs.PathRequest{Path: path, Flags: flags}, &vfs.EmptyReply{}), want)
}

func (c *client) list(path string) string {
	f := c.open(path, 0o200000, 0, uabi.OK)
	var names []string
	for {
		var out vfs.ReadDirReply
		c.want("readdir", f.ReadDir(c.t, &vfs.ReadDirRequest{MaxBytes: 60}, &out), uabi.OK)
		if len(out.Entries) == 0 {
			break
		}
		for _, e := range out.Entries {
			names = append(names, strings.Clone(e.Name))
		}
	}
	c.close(f)
	return strings.Join(names, " ")
}

// sweep runs a script once without a crash and then with vfsd crashing at each of its steps (every stride-th).
func sweep(t *testing.T, files [][2]string, stride int, script func(w *world)) {
	t.Helper()
	t.Parallel()
	w := newWorld(t, uksim.Config{Seed: 1}, files)
	script(w)
	w.run()
	steps := w.Process("vfsd").Steps()
	if steps < 10 {
		t.Fatalf("vfsd took %d steps", steps)
	}
	for at := 1; at <= steps; at += stride {
		w := newWorld(t, uksim.Config{Seed: uint64(at), Crashes: []uksim.Crash{{Process: "vfsd", Step: at}}}, files)
		script(w)
		w.run()
		if t.Failed() {
			t.Fatalf("with a crash at step %d of %d", at, steps)
		}
	}
	for seed := range uint64(randomRuns) {
		w := newWorld(t, uksim.Config{Seed: 1000 + seed, CrashEvery: 60, MaxCrashes: 12, Crashable: []string{"vfsd"}, RestartDelay: 50_000}, files)
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

// snapshots has the server write a few at times that the seed picks.
func (w *world) snapshots(p *uksim.Process) {
	control := w.NewEvent()
	p.Endpoint().Bind(control, server.ControlKey, server.ControlSnapshot)
	for range 3 {
		w.After(w.Rand().Uint64N(1000*uksim.StepNS), func() { control.Update(0, 0, server.ControlSnapshot) })
	}
}
