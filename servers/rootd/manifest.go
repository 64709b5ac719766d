package main

import (
	"fmt"
	"strconv"
	"strings"

	"aramid/ukernel/uabi"
)

// line is one process of the manifest: `name file rank words…`.
type line struct {
	name, file string
	rank       uint32
	lazy       bool     // is started by a request only
	server     bool     // may give explicit ids, is watched for hangs
	below      []string // names of servers whose endpoints it gets
	boot       []uabi.Handle
	handler    string // server whose endpoint it gets at BootLinux, to start threads with
}

// bootWords are the words of a manifest line that hand one of rootd's boot handles on.
var bootWords = map[string]uabi.Handle{
	"archive": uabi.BootArchive, "config": uabi.BootConfig, "initrd": uabi.BootInitrd, "ports": uabi.BootPorts,
	"irq": uabi.BootIRQ, "power": uabi.BootPower, "clock": uabi.BootClock,
}

// parseManifest reads the boot archive's manifest. Empty lines and those that begin with # say nothing.
func parseManifest(text string) ([]line, error) {
	var out []line
	seen := map[string]bool{}
	for i, s := range strings.Split(text, "\n") {
		f := strings.Fields(s)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		l, err := parseLine(f)
		if err != nil {
			return nil, fmt.Errorf("manifest line %d: %w", i+1, err)
		}
		if seen[l.name] {
			return nil, fmt.Errorf("manifest line %d: a second %s", i+1, l.name)
		}
		seen[l.name] = true
		out = append(out, l)
	}
	for _, l := range out {
		for _, b := range append(l.below, l.handler) {
			if b != "" && !seen[b] {
				return nil, fmt.Errorf("manifest: %s names %s, which is not there", l.name, b)
			}
		}
	}
	return out, nil
}

func parseLine(f []string) (line, error) {
	if len(f) < 3 {
		return line{}, fmt.Errorf("%q: want name, file, rank", strings.Join(f, " "))
	}
	rank, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil || rank > uabi.RankClient {
		return line{}, fmt.Errorf("rank %q: a number up to %d", f[2], uabi.RankClient)
	}
	if len(f[0]) > maxName {
		return line{}, fmt.Errorf("name %q: at most %d bytes", f[0], maxName)
	}
	l := line{name: f[0], file: f[1], rank: uint32(rank)}
	for _, w := range f[3:] {
		handler, isHandler := strings.CutPrefix(w, "handler=")
		h, isBoot := bootWords[w]
		switch {
		case w == "server":
			l.server = true
		case w == "lazy":
			l.lazy = true
		case isHandler:
			l.handler = handler
		case isBoot:
			l.boot = append(l.boot, h)
		default:
			l.below = append(l.below, w)
		}
	}
	return l, nil
}

const maxName = 15 // of a process

// endpointSlot is where a process finds the endpoint of a server of that rank.
func endpointSlot(rank uint32) uabi.Handle { return uabi.BootRoot + uabi.Handle(rank) }
