// Command linuxabi is the Linux personality: it turns the system calls of unmodified programs into calls to mmd, procd, vfsd and
// netd (DESIGN §7). It starts process 1 and then serves traps; package calls does both.
package main

import (
	"errors"
	"log"
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
	line, err := cmdline(k)
	if err != nil {
		log.Fatalf("fatal: %v", err)
	}
	l := calls.New(k)
	l.Trace(line.ours["aramid.strace"])
	if err := l.Start(process1(line)); err != nil {
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

// cmdline reads the kernel command line.
func cmdline(k uk.Kernel) (bootLine, error) {
	n, _, e := k.MemorySize(uabi.BootConfig)
	if e != uabi.OK {
		return bootLine{}, e
	}
	b := make([]byte, n)
	if _, e := k.MemoryRead(uabi.BootConfig, 0, b); e != uabi.OK {
		return bootLine{}, e
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	return parseLine(text), nil
}
