// Command aramid is Aramid's face on the host: it runs programs and distributions in a machine of their own, and looks into and
// handles running machines (DESIGN §8, docs/aramid.md).
package main

import (
	"fmt"
	"os"
)

// Exit statuses of aramid itself, as docker run's: above what a program uses.
const (
	statusUsage   = 2
	statusTimeout = 124
	statusAramid  = 125 // the machine, not the program, failed
)

type command struct {
	name, args, help string
	run              func(args []string) int
}

var commands []command

func init() {
	commands = []command{
		{"run", "[flags] [-- PROGRAM ARGS…]", "boot a machine; with PROGRAM as process 1, aramid exits as it does", run},
		{"ps", "", "list the servers of a running machine", ps},
		{"restart", "SERVER", "replace a server by a fresh image of itself; nothing is lost", restart},
		{"swap", "SERVER FILE", "replace a server by another binary, state kept", swap},
		{"kill", "SERVER", "end a server as a crash would", kill},
		{"trace", "[SERVER]", "print the kernel's trace ring", trace},
		{"info", "", "count the frames, handles and kernel objects of a running machine", info},
		{"gaps", "", "list system calls that programs missed", gaps},
		{"proto", "[--host] SERVER SCRIPT", "run a protocol script against a server, of a running machine or alone on this host", protoScript},
		{"top", "", "processor time, memory and calls of each server, every second", top},
	}
}

func main() {
	if len(os.Args) < 2 {
		usage(os.Stderr)
		os.Exit(statusUsage)
	}
	for _, c := range commands {
		if c.name == os.Args[1] {
			os.Exit(c.run(os.Args[2:]))
		}
	}
	if os.Args[1] == "help" || os.Args[1] == "-h" || os.Args[1] == "--help" {
		usage(os.Stdout)
		return
	}
	fmt.Fprintf(os.Stderr, "aramid: no command %q\n", os.Args[1])
	usage(os.Stderr)
	os.Exit(statusUsage)
}

func usage(f *os.File) {
	fmt.Fprintln(f, "usage: aramid COMMAND …")
	for _, c := range commands {
		fmt.Fprintf(f, "  %-8s %-28s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprintln(f, "`aramid run -h` lists the flags of run. The others take --vm NAME when several machines run.")
}

func fail(status int, format string, a ...any) int {
	fmt.Fprintf(os.Stderr, "aramid: "+format+"\n", a...)
	return status
}
