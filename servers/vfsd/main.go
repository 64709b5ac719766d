package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/cpuid"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	server.MainOn("vfsd", func(k uk.Kernel) (server.Spec, error) { return Spec(Configure(k)), nil })
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
	cfg.NoRandom = slices.Contains(strings.Fields(line), "norandmaps")
	cfg.NoEcho = word(line, "aramid.echo") == "off"
	if size, _, err := k.MemorySize(uabi.BootInitrd); err == uabi.OK && size > 0 {
		if cfg.Image, err = k.MapSelf(uabi.BootInitrd, 0, size); err != uabi.OK {
			cfg.Log("the initrd cannot be mapped: " + err.Error())
		}
	}
	var info uabi.SystemInfo
	if k.SystemInfo(&info) == uabi.OK {
		cfg.Machine = Machine{CPUs: info.CPUs, Memory: info.FramesTotal * pageSize, TSCHz: info.TSCHz, CPU: cpuid.Read()}
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
