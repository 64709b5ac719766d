package calls

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/loader"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// maxScripts is how many interpreters may be scripts themselves, one after the other (exec_binprm of Linux).
const maxScripts = 5

// program is an executable on its way into a fresh address space.
type program struct {
	path   string // to open; "" with a dir: that open file
	name   string // as the caller gave it, or made of its descriptor: AT_EXECFN
	dir    uint32 // for a relative path
	flags  uint32 // AT_SYMLINK_NOFOLLOW
	hidden bool   // name will mean nothing behind the exec: a script's interpreter could not open it
	argv   []string
	envp   []string
	file   vfs.ExecFileReply
	mem    uabi.Handle // its contents
	exe    uabi.Handle // while we have it, nobody can write the file
	head   []byte      // its first page
	image  *loader.Image

	planned, plannedSetID bool
	plan                  proc.ExecPlanReply
}

// setUID and setGID report whether the file's set-id bits count. Without the right to execute for the group the latter once meant
// mandatory locking, and means nothing.
func (p *program) setUID() bool { return p.file.Mode&unix.S_ISUID != 0 && !p.file.Nosuid }
func (p *program) setGID() bool {
	const both = unix.S_ISGID | unix.S_IXGRP
	return p.file.Mode&both == both && !p.file.Nosuid
}

// openExecutable finds p.path for execution.
func (t *Trap) openExecutable(p *program) int64 {
	in := vfs.PathRequest{Path: p.path, Dir: p.dir, Flags: p.flags & unix.AT_SYMLINK_NOFOLLOW}
	if err := t.l.vfs.ExecFile(t, &in, &p.file); err != uabi.OK {
		return t.status(err)
	}
	p.file.Path = strings.Clone(p.file.Path)
	p.mem, p.exe = t.temp(uabi.Handle(p.file.Memory)), t.temp(uabi.Handle(p.file.Exe))
	p.head = make([]byte, min(pageMask+1, p.file.Size))
	if n, err := t.K.MemoryRead(p.mem, 0, p.head); err != uabi.OK || n != len(p.head) {
		return errno(unix.EIO)
	}
	return 0
}

// findImage follows script interpreters from p's file until there is an ELF image.
func (t *Trap) findImage(p *program) int64 {
	for range maxScripts + 1 {
		interp, arg, ok := loader.Script(p.head[:min(loader.ScriptHead, len(p.head))])
		if !ok {
			img, err := loader.ParseELF(t.reader(p))
			if err == uabi.ErrRange {
				return errno(unix.EINVAL)
			}
			p.image = img
			return t.status(err)
		}
		if p.hidden {
			return errno(unix.ENOENT)
		}
		if interp == "" {
			return errno(unix.EACCES) // Linux opens the empty path: a directory
		}
		argv := []string{interp}
		if arg != "" {
			argv = append(argv, arg)
		}
		p.argv = append(append(argv, p.scriptName()), p.argv[1:]...)
		p.path, p.dir, p.flags = interp, 0, 0
		if e := t.openExecutable(p); e != 0 {
			return e
		}
	}
	return errno(unix.ELOOP)
}

// scriptName is how an interpreter is told of its script.
func (p *program) scriptName() string {
	if p.dir != 0 {
		return p.name
	}
	return p.path
}

// reader reads a file for the loader.
func (t *Trap) reader(p *program) loader.ReadAt {
	return func(off uint64, b []byte) bool {
		if off > p.file.Size || uint64(len(b)) > p.file.Size-off {
			return false
		}
		if off+uint64(len(b)) <= uint64(len(p.head)) {
			copy(b, p.head[off:])
			return true
		}
		n, err := t.K.MemoryRead(p.mem, off, b)
		return err == uabi.OK && n == len(b)
	}
}

// execKilled is the end of a process whose new image is found to be damaged where Linux has given the old one up: SIGSEGV.
func (t *Trap) execKilled() int64 {
	if t.in.Kind == uabi.KindTrap {
		t.l.dropMM(t.tgid())
		t.l.proc.ExitGroup(t, &proc.ExitRequest{Status: int32(unix.SIGSEGV)}, &proc.EmptyReply{})
	}
	return errno(unix.ENOEXEC)
}
