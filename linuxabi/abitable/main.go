// Command abitable prints linuxabi's table of system calls, one a line, fields separated by tabs: number, name, level (full, partial,
// absent), kinds of the arguments (linuxabi/strace; ? if they are not known), and what a partial one lacks or an absent one answers.
package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/calls"
	"aramid/linuxabi/strace"
)

func main() {
	for _, r := range calls.Rows() {
		kinds, ok := strace.Kinds(uint64(r.Nr))
		if !ok {
			kinds = "?"
		}
		note := r.Gap
		if r.Level == calls.Absent {
			note = unix.ErrnoName(r.Errno)
		}
		fmt.Printf("%d\t%s\t%s\t%s\t%s\n", r.Nr, r.Name, r.Level, kinds, note)
	}
}
