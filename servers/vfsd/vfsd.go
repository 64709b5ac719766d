package main

import (
	"cmp"
	"maps"
	"slices"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/server/table"
	"aramid/servers/vfsd/base"
	"aramid/servers/vfsd/cgroupfs"
	"aramid/servers/vfsd/cpuid"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Config is what the kernel command line says, another constant.
type Config struct {
	// Container mounts what a container finds mounted.
	Container bool
	// CommandLine is the kernel's, for /proc/cmdline.
	CommandLine string
	// NoRandom: address spaces are laid out the same each time, until kernel.randomize_va_space is written (norandmaps, kernel-parameters.txt).
	NoRandom bool
	// NoEcho: the console does not show what is typed; its input is no terminal.
	NoEcho bool
	// Image is the initrd, mapped: the root file system. It is empty when there is none.
	Image   []byte
	Machine Machine
	// Log writes a line.
	Log func(string)
}

// Machine is what /proc says of the hardware.
type Machine struct {
	CPUs, TSCHz uint64
	Memory      uint64 // bytes
	CPU         cpuid.CPU
}

// VFSD is the server's state and what can be rebuilt from it.
type VFSD struct {
	cfg        Config
	tree       *tree.Tree
	image      base.Image // what the root file system begins as, or nil
	contexts   table.Table[uint64, *state.Context]
	opens      table.Table[uint64, *state.Open]
	spareOpens table.Spares[state.Open]
	spareRefs  table.Spares[state.Ref] // of spareOpens
	pipes      table.Table[uint64, *state.Pipe]
	groups     cgroupfs.Hierarchy
	ttys       table.Table[uint64, *state.Tty]
	ttyOpens   map[uint64][]uint64 // open files by terminal, ascending
	logOpens   []uint64            // open files of the kernel log, ascending
	top        *state.State        // scalars and the kernel log only
	root       tree.Ref
	inSpace    map[uint64]int       // contexts in a mount namespace, and open files of it
	epolls     []uint64             // ids of the epoll files among opens, ascending
	watched    map[uint64][]watcher // by inode
	writing    map[uint64]int       // by inode: see writers.go

	lastDamage string // of the image, that was logged

	// scratch is for one handler's copies between grants and this process.
	scratch []byte
	statOut vfs.Stat                      // of StatTo
	spare   call                          // of the commonest handlers
	ready   [uabi.MaxReady]uabi.WaitReady // of EpollWait
}

// New makes the state before the first start.
func New(cfg Config) *VFSD {
	h := &VFSD{cfg: cfg, scratch: make([]byte, maxCopy)}
	h.reset(&state.State{})
	return h
}

// maxCopy is the most that one request copies through this process, bytes: terminals, random numbers, generated text.
const maxCopy = 64 << 10

func (h *VFSD) reset(top *state.State) {
	h.top = top
	h.tree = tree.New(h.nextID)
	h.contexts.Clear()
	h.opens.Clear()
	h.pipes.Clear()
	h.ttys.Clear()
	h.inSpace = map[uint64]int{}
	h.ttyOpens, h.logOpens = map[uint64][]uint64{}, nil
	h.epolls = nil
	h.groups = cgroupfs.New()
	h.watched = map[uint64][]watcher{}
	h.writing = map[uint64]int{}
	h.root = tree.Ref{}
	h.image = nil
}

// nextID numbers badges, mounts, pipes and file systems.
func (h *VFSD) nextID() uint64 {
	h.top.LastId++
	return h.top.LastId
}

// Save implements server.State.
func (h *VFSD) Save() []byte {
	t := h.top
	s := &state.State{
		LastId: t.LastId, Zero: t.Zero, Ready: t.Ready, BootNs: t.BootNs, Broken: t.Broken, RootMount: t.RootMount, Account: t.Account, Ttys: h.ttys.Values(),
		Console: t.Console, OldGroups: t.OldGroups, Kmsg: t.Kmsg, Devtmpfs: t.Devtmpfs, Sysctls: t.Sysctls, Load: t.Load, Gaps: t.Gaps,
		Contexts: h.contexts.Values(), Opens: h.opens.Values(), Pipes: h.pipes.Values(), Locks: t.Locks, LockEvent: t.LockEvent, LastCookie: t.LastCookie, MemfdFs: t.MemfdFs, BootId: t.BootId,
		Cgroups: sorted(h.groups), CgroupSeen: t.CgroupSeen, CgroupEvent: t.CgroupEvent,
	}
	h.tree.Save(s)
	b, err := s.MarshalVT()
	if err != nil {
		panic(err)
	}
	return b
}

// Load implements server.State.
func (h *VFSD) Load(b []byte) error {
	s := &state.State{}
	if err := s.UnmarshalVT(b); err != nil {
		return err
	}
	h.reset(&state.State{})
	if s.RootMount != 0 && s.Broken == "" {
		var err error
		if h.image, err = base.Open(h.cfg.Image, int64(s.BootNs)); err != nil {
			return err
		}
		h.tree.UseBase(h.image, h.damaged)
	}
	h.top = &state.State{
		LastId: s.LastId, Zero: s.Zero, Ready: s.Ready, BootNs: s.BootNs, Broken: s.Broken, RootMount: s.RootMount, Account: s.Account,
		Console: s.Console, OldGroups: s.OldGroups, Kmsg: s.Kmsg, Devtmpfs: s.Devtmpfs, Sysctls: s.Sysctls, Load: s.Load, Gaps: s.Gaps,
		Locks: s.Locks, LockEvent: s.LockEvent, LastCookie: s.LastCookie, MemfdFs: s.MemfdFs, BootId: s.BootId,
		CgroupSeen: s.CgroupSeen, CgroupEvent: s.CgroupEvent,
	}
	h.tree.Load(s)
	for _, g := range s.Cgroups {
		h.groups[g.Id] = g
	}
	for _, v := range s.Contexts {
		h.contexts.Put(v.Id, v)
		h.enter(v.Ns)
		h.hold(tree.FromPb(v.Cwd))
		h.hold(tree.FromPb(v.Root))
	}
	for _, v := range s.Ttys {
		h.ttys.Put(v.Id, v)
	}
	for _, v := range s.Opens {
		h.opens.Put(v.Id, v)
		if v.Tty != 0 {
			h.indexTerminal(v)
		}
		if v.Log {
			h.logOpens = append(h.logOpens, v.Id)
		}
		if v.Set != 0 {
			h.epolls = append(h.epolls, v.Id)
		}
		if v.At != nil {
			h.hold(tree.FromPb(v.At))
			h.countWriter(v, 1)
			if h.spaceOf(v.At.Ino) != nil {
				h.enter(v.Space)
			}
		}
		for _, w := range v.Inotify.GetWatches() {
			h.addWatcher(watcher{v.Id, w})
		}
	}
	for _, v := range s.Pipes {
		h.pipes.Put(v.Id, v)
	}
	for _, m := range h.tree.Mounts() {
		if m.Id == s.RootMount {
			h.root = tree.Ref{Mount: m.Id, Ino: m.Root}
		}
	}
	return nil
}

// Handles implements server.State.
func (h *VFSD) Handles(yield func(uabi.Handle)) {
	give := func(n uint32) {
		if n != 0 {
			yield(uabi.Handle(n))
		}
	}
	h.tree.Handles(give)
	for _, p := range h.pipes.Values() {
		give(p.Memory)
		give(p.Event)
	}
	for _, o := range h.opens.Values() {
		give(o.Event)
		give(o.Set)
		give(o.Timer.GetTimer())
	}
	give(h.top.Zero)
	give(h.top.Account)
	give(h.top.Ready)
	give(h.top.LockEvent)
	give(h.top.CgroupEvent)
	give(h.top.Kmsg.GetEvent())
	give(h.top.Gaps)
	for _, t := range h.ttys.Values() {
		give(t.Irq)
		give(t.IrqEvent)
	}
}

// sorted lists a map's values in order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// hold and drop count a place that an open file or a context stands on.
func (h *VFSD) hold(r tree.Ref) { h.tree.Use(r) }

func (h *VFSD) drop(r tree.Ref) { h.tree.Unuse(r) }

// closeFreed closes the memory of inodes that were released, and tells who watched them.
func (h *VFSD) closeFreed(c *server.Ctx) {
	for _, m := range h.tree.TakeFreed() {
		c.Close(uabi.Handle(m))
	}
	for _, g := range h.tree.TakeGone() {
		h.inodeGone(c, g)
	}
}

// call is one request's view: who asks, and from where its paths start.
type call struct {
	*VFSD
	c   *server.Ctx
	env tree.Env
	cwd tree.Ref
	fs  *state.Context // nil: of a request for no process
	// then is a change that the text which a read made brings with it, once nothing can fail.
	then func()
	// found is the place of what find found, while anything is watched.
	found place
}

// begin finds out who asks. now: the request changes times.
func (h *VFSD) begin(c *server.Ctx, now bool) *call { return h.beginIn(&call{}, c, now) }

// beginIn is begin without an allocation: k is the handler's until it returns.
func (h *VFSD) beginIn(k *call, c *server.Ctx, now bool) *call {
	*k = call{VFSD: h, c: c}
	id, badge := c.Context(ctx.Fs), c.Badge()
	if badge != 0 {
		k.fs = h.contexts.Get(badge)
	}
	if k.fs == nil {
		k.fs = h.contexts.Get(id)
	}
	k.env.Umask, k.env.Synth, k.env.Groups = defaultUmask, k, k
	if k.fs != nil {
		k.env.Root, k.env.NS, k.cwd, k.env.Umask = tree.FromPb(k.fs.Root), k.fs.Ns, tree.FromPb(k.fs.Cwd), k.fs.Umask
	} else {
		k.env.Root, k.env.NS, k.cwd = h.root, h.rootSpace(), h.root
	}
	ids := c.Context(ctx.UID)
	k.env.UID, k.env.GID = uint32(ids), uint32(ids>>32)
	if now {
		k.env.Now = int64(c.Realtime())
	}
	return k
}

const defaultUmask = 0o022

// InGroup implements tree.Groups: procd knows the caller's supplementary groups.
func (k *call) InGroup(gid uint32) bool {
	var rep proc.CredsReply
	if err := k.proc().Creds(k.c, &proc.PidRequest{}, &rep); err != uabi.OK {
		return false
	}
	return slices.Contains(rep.Groups, gid)
}

func (k *call) proc() proc.Client { return proc.Client{H: uabi.BootProc} }

// start is where a path call's walk starts: a directory's handle, or the cwd.
func (k *call) start(dir uint32) (tree.Ref, uabi.Error) {
	if k.top.Broken != "" {
		return tree.Ref{}, uabi.ErrIO
	}
	if dir == 0 {
		return k.cwd, uabi.OK
	}
	o := k.opens.Get(k.c.BadgeOf(uabi.Handle(dir)))
	if o == nil {
		return tree.Ref{}, uabi.ErrBadFD
	}
	if o.At == nil {
		return tree.Ref{}, uabi.ErrNotDir
	}
	return tree.FromPb(o.At), uabi.OK
}

// walk resolves a request's path.
func (k *call) walk(dir uint32, path string, how tree.How) (f tree.Found, err uabi.Error) {
	err = k.walkTo(&f, dir, path, how)
	return f, err
}

// walkTo is walk into f, which says nothing where there is an error.
func (k *call) walkTo(f *tree.Found, dir uint32, path string, how tree.How) uabi.Error {
	at, err := k.start(dir)
	if err != uabi.OK {
		return err
	}
	return k.tree.WalkTo(f, &k.env, at, path, how)
}

// find resolves a path to something that exists. An empty path with AT_EMPTY_PATH is dir itself; then it may be an open file without a
// name, which comes back as o.
func (k *call) find(dir uint32, path string, flags uint32) (at tree.Ref, o *state.Open, err uabi.Error) {
	if path == "" && flags&atEmptyPath != 0 {
		if dir == 0 {
			at, err = k.start(0)
			return at, nil, err
		}
		o = k.opens.Get(k.c.BadgeOf(uabi.Handle(dir)))
		if o == nil {
			return at, nil, uabi.ErrBadFD
		}
		k.stands(o)
		return tree.FromPb(o.At), o, uabi.OK
	}
	how := tree.Follow | tree.FollowOnSlash
	if flags&atSymlinkNofollow != 0 {
		how &^= tree.Follow
	}
	var f tree.Found
	if err := k.walkTo(&f, dir, path, how); err != uabi.OK {
		return at, nil, err
	}
	if !f.OK {
		return at, nil, uabi.ErrNotFound
	}
	if f.OpenFile {
		o = k.opens.Get(f.At.Ino)
		k.stands(o)
		return tree.FromPb(o.At), o, uabi.OK
	}
	if len(k.watched) > 0 {
		k.found = k.foundPlace(f)
	}
	return f.At, nil, uabi.OK
}

// stands makes an open file's place what was found.
func (k *call) stands(o *state.Open) {
	if o.At != nil && len(k.watched) > 0 {
		k.found = k.placeOf(o)
	}
}

// Flags of *at calls (fcntl.h).
const (
	atSymlinkNofollow = 0x100
	atRemoveDir       = 0x200
	atSymlinkFollow   = 0x400
	atEaccess         = 0x200
	atEmptyPath       = 0x1000
)

// Gone is server.Spec's (R6): an fs context or an open file that nobody has any more.
func (h *VFSD) Gone(c *server.Ctx, badge uint64) {
	if f := h.contexts.Get(badge); f != nil {
		h.contexts.Delete(badge)
		h.drop(tree.FromPb(f.Cwd))
		h.drop(tree.FromPb(f.Root))
		h.leave(f.Ns)
	}
	if o := h.opens.Get(badge); o != nil {
		h.opens.Delete(badge)
		h.closeLocks(c, badge)
		h.closeOpen(c, o)
		h.spareOpen(o)
	}
	h.closeFreed(c)
	h.mountsChanged(c)
}

// FsCreate implements vfs.Handler.
func (h *VFSD) FsCreate(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.FsReply) uabi.Error {
	return h.addContext(c, &state.Context{Cwd: h.root.Pb(), Root: h.root.Pb(), Ns: h.rootSpace(), Umask: defaultUmask}, out)
}

// FsClone implements vfs.Handler.
func (h *VFSD) FsClone(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.FsReply) uabi.Error {
	f := h.contexts.Get(c.Badge())
	if f == nil {
		return uabi.ErrHandle
	}
	return h.addContext(c, f, out)
}

// addContext makes a context that begins as another.
func (h *VFSD) addContext(c *server.Ctx, from *state.Context, out *vfs.FsReply) uabi.Error {
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	cwd, root := tree.FromPb(from.Cwd), tree.FromPb(from.Root)
	f := &state.Context{Id: h.nextID(), Cwd: cwd.Pb(), Root: root.Pb(), Umask: from.Umask, Ns: from.Ns}
	h.contexts.Put(f.Id, f)
	h.enter(f.Ns)
	h.hold(cwd)
	h.hold(root)
	out.Id, out.Fs = f.Id, uint32(handle)
	return uabi.OK
}

// rootSpace is the namespace that the machine begins with.
func (h *VFSD) rootSpace() uint64 {
	if m := h.tree.MountOf(h.root); m != nil {
		return m.Ns
	}
	return 0
}
