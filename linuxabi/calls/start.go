package calls

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/gaps"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Init says what process 1 is.
type Init struct {
	Argv []string
	Env  []string
	// Search looks Argv[0] up in PATH when it has no slash, as a shell does.
	Search bool
	// Else are other programs to try, each as its own Argv[0], when there is no Argv[0].
	Else []string
}

// Exit statuses of a machine whose program could not start, as shells and docker run give them.
const (
	StatusNotFound = 127
	StatusNoExec   = 126
)

// StartError is why process 1 could not start.
type StartError struct {
	Path   string
	Errno  unix.Errno
	Status int // that the machine powers off with
}

// Error implements error.
func (e *StartError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Errno) }

// Start makes process 1 unless procd has one. Its requests have ids of their own (R7: what no alien caused), the same ones
// each time, so that a successor of linuxabi that comes in between finds what was done.
func (l *Linux) Start(init Init) error {
	t := &l.trap
	var list proc.ListReply
	var info uabi.ProcessInfo
	if err := l.k.ProcessInfo(uabi.BootProcess, &info); err != uabi.OK {
		return err
	}
	*t.buf.In = uabi.Msg{ID: uabi.ID{Origin: uabi.OriginProcess | info.ID, Trap: 1}}
	t.begin()
	t.Record[0] = l.startRandom()
	defer t.end()
	if err := l.showGaps(t); err != uabi.OK {
		return fmt.Errorf("the gap counters: %w", err)
	}
	if err := l.proc.List(t, &proc.ListRequest{}, &list); err != uabi.OK || len(list.Pids) > 0 {
		if err == uabi.OK {
			return nil
		}
		return fmt.Errorf("procd: %w", err)
	}
	err := error(nil)
	for _, path := range init.paths() {
		if err = l.spawn(t, path, init); !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	for _, path := range init.Else {
		init.Argv[0] = path
		if e := l.spawn(t, path, init); !errors.Is(e, unix.ENOENT) {
			return e
		}
	}
	return err
}

// showGaps lets vfsd read the gap counters.
func (l *Linux) showGaps(t *Trap) uabi.Error {
	h, err := l.k.Dup(uabi.BootKept, uabi.RightRead|uabi.RightTransfer)
	if err != uabi.OK {
		return err
	}
	t.temp(h)
	return l.vfs.ShowGaps(t, &vfs.ShowGapsRequest{Memory: uint32(h)}, &vfs.EmptyReply{})
}

// startRandom is what a record would remember of process 1's start: the random number of its address space. A successor must choose the
// same addresses, since what was mapped is answered from the journals. It is kept behind the gap counters.
func (l *Linux) startRandom() uint64 {
	var b [8]byte
	if _, err := l.k.MemoryRead(uabi.BootKept, gaps.TableSize, b[:]); err == uabi.OK && le.Uint64(b[:]) != 0 {
		return le.Uint64(b[:])
	}
	r := l.trap.random()
	le.PutUint64(b[:], r)
	l.k.MemoryWrite(uabi.BootKept, gaps.TableSize, b[:])
	return r
}

// Unwrap gives the errno.
func (e *StartError) Unwrap() error { return e.Errno }

// paths are the places where the program may be.
func (i *Init) paths() []string {
	name := i.Argv[0]
	if !i.Search || strings.Contains(name, "/") {
		return []string{name}
	}
	var out []string
	for _, v := range i.Env {
		if dirs, ok := strings.CutPrefix(v, "PATH="); ok {
			for d := range strings.SplitSeq(dirs, ":") {
				out = append(out, d+"/"+name)
			}
		}
	}
	return append(out, "/"+name)
}

// spawn starts the program at path as process 1.
func (l *Linux) spawn(t *Trap, path string, init Init) error {
	p := &program{path: path, name: path, argv: slices.Clone(init.Argv), envp: init.Env}
	fail := func(e int64) error {
		s := &StartError{Path: path, Errno: unix.Errno(-e), Status: StatusNoExec}
		if s.Errno == unix.ENOENT || s.Errno == unix.ENOTDIR {
			s.Status = StatusNotFound
		}
		return s
	}
	for _, step := range [...]func(*program) int64{t.openExecutable, t.findImage, t.execPlan} {
		if e := step(p); e != 0 {
			return fail(e)
		}
	}
	img, e := t.load(p)
	if e != 0 {
		return fail(e)
	}
	var fs vfs.FsReply
	if err := l.vfs.FsCreate(t, &vfs.EmptyRequest{}, &fs); err != uabi.OK {
		return fmt.Errorf("vfsd: fs context: %w", err)
	}
	var con vfs.OpenReply
	if err := l.vfs.Open(t, &vfs.OpenRequest{Path: "/dev/console", Flags: unix.O_RDWR}, &con); err != uabi.OK {
		return fmt.Errorf("/dev/console: %w", abi.Errno(err))
	}
	if err := l.proc.SpawnExe(t, &proc.SpawnExeRequest{File: uint32(p.exe)}, &proc.EmptyReply{}); err != uabi.OK && err != uabi.ErrExists {
		return fmt.Errorf("procd: executable: %w", err)
	}
	in := proc.SpawnRequest{Mm: uint32(img.mm), Space: uint32(img.space), Fs: uint32(t.temp(uabi.Handle(fs.Fs))), FsId: fs.Id,
		Entry: img.entry, Stack: img.sp, Name: baseName(path), Exe: p.file.Path, Layout: &img.layout, Cmdline: cmdline(p.argv), Console: uint32(t.temp(uabi.Handle(con.File)))}
	if err := l.proc.Spawn(t, &in, &proc.PidReply{}); err != uabi.OK && err != uabi.ErrExists {
		return fmt.Errorf("procd: process 1: %w", err)
	}
	return nil
}
