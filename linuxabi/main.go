// Command linuxabi is the Linux personality: it turns the system calls of unmodified programs into calls to mmd, procd, vfsd and
// netd (DESIGN §7). It starts process 1 and then serves traps; package calls does both.
package main

import (
	"errors"
	"log"
	"net/url"
	"os"
	"strings"

	"aramid/linuxabi/calls"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func main() {
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
	k, e := uk.NewThread()
	if e != uabi.OK {
		log.Fatalf("no message buffer: %v", e)
	}
	words, err := cmdline(k)
	if err != nil {
		log.Fatalf("fatal: %v", err)
	}
	l := calls.New(k)
	l.Trace(words["aramid.strace"] == "on")
	if err := l.Start(process1(words)); err != nil {
		log.Printf("fatal: %v", err)
		status := statusStart
		if s := (*calls.StartError)(nil); errors.As(err, &s) {
			status = s.Status
		}
		k.PowerOff(uabi.BootPower, uint64(status))
	}
	l.Serve()
}

// statusStart is the machine's exit status when process 1 could not start for another reason than its file.
const statusStart = 125

// defaultPath is where a program without a slash is looked for (docker run's PATH).
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// process1 reads what to start from the command line: aramid.init= as in a container, else /sbin/init as Linux starts it.
func process1(words map[string]string) calls.Init {
	env := list(words["aramid.env"])
	argv := list(words["aramid.init"])
	if len(argv) == 0 {
		return calls.Init{Argv: []string{"/sbin/init"}, Env: merge([]string{"HOME=/", "TERM=linux"}, env)}
	}
	return calls.Init{Argv: argv, Search: true, Env: merge([]string{defaultPath, "HOME=/root", "TERM=linux", "HOSTNAME=aramid"}, env)}
}

// merge adds variables to base; those of more win.
func merge(base, more []string) []string {
	out := []string{}
	for _, b := range base {
		name, _, _ := strings.Cut(b, "=")
		taken := false
		for _, m := range more {
			taken = taken || strings.HasPrefix(m, name+"=")
		}
		if !taken {
			out = append(out, b)
		}
	}
	return append(out, more...)
}

// list decodes a percent-encoded, comma-separated list (docs/servers.md).
func list(s string) (out []string) {
	if s == "" {
		return nil
	}
	for w := range strings.SplitSeq(s, ",") {
		v, err := url.PathUnescape(w)
		if err != nil {
			v = w
		}
		out = append(out, v)
	}
	return out
}

// cmdline reads the kernel command line's key=value words.
func cmdline(k uk.Kernel) (map[string]string, error) {
	n, _, e := k.MemorySize(uabi.BootConfig)
	if e != uabi.OK {
		return nil, e
	}
	b := make([]byte, n)
	if _, e := k.MemoryRead(uabi.BootConfig, 0, b); e != uabi.OK {
		return nil, e
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	words := map[string]string{}
	for _, w := range strings.Fields(text) {
		key, v, _ := strings.Cut(w, "=")
		words[key] = v
	}
	return words, nil
}
