package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	k, e := uk.NewThread()
	if e != uabi.OK {
		fmt.Fprintln(os.Stderr, "vfsd: no message buffer:", e)
		os.Exit(1)
	}
	err := server.Run(k, Spec(Configure(k)))
	fmt.Fprintln(os.Stderr, "vfsd:", err)
	os.Exit(server.ExitStatus(err))
}

// Spec is the server as servers/server runs it.
func Spec(cfg Config) server.Spec {
	h := New(cfg)
	return server.Spec{
		Name: "vfsd", Rank: uabi.RankVFS, Service: vfs.Service[*server.Ctx](h), State: h, Gone: h.Gone,
		ThreadGone: h.ThreadGone, Event: h.Event, Start: h.Start,
	}
}

// Configure reads the machine's constants: the kernel command line and where the initrd is.
func Configure(k uk.Kernel) Config {
	cfg := Config{Log: func(s string) { fmt.Fprintln(os.Stderr, s) }}
	line := commandLine(k)
	cfg.CommandLine = line
	cfg.Container = word(line, "aramid.mounts") == "container"
	cfg.NoEcho = word(line, "aramid.echo") == "off"
	if size, _, err := k.MemorySize(uabi.BootInitrd); err == uabi.OK && size > 0 {
		cfg.Archive = &initrd{k: k, size: size}
	}
	var info uabi.SystemInfo
	if k.SystemInfo(&info) == uabi.OK {
		cfg.Machine = Machine{CPUs: info.CPUs, Memory: info.FramesTotal * pageSize, TSCHz: info.TSCHz}
	}
	return cfg
}

// commandLine is the kernel's.
func commandLine(k uk.Kernel) string {
	size, _, err := k.MemorySize(uabi.BootConfig)
	if err != uabi.OK {
		return ""
	}
	b := make([]byte, size)
	n, _ := k.MemoryRead(uabi.BootConfig, 0, b)
	b = b[:n]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// word is the value of the last name=value on a command line.
func word(line, name string) (value string) {
	for f := range strings.FieldsSeq(line) {
		if n, v, ok := strings.Cut(f, "="); ok && n == name {
			value = v
		}
	}
	return value
}

// initrd is the Archive in the boot initrd.
type initrd struct {
	k    uk.Kernel
	size uint64
}

// Size implements Archive.
func (r *initrd) Size() uint64 { return r.size }

// ReadAt implements io.ReaderAt.
func (r *initrd) ReadAt(b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) {
		n, err := r.k.MemoryRead(uabi.BootInitrd, uint64(off)+uint64(done), b[done:])
		done += n
		if err != uabi.OK {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
	}
	return done, nil
}
