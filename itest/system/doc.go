// Package system tests Aramid as its users meet it: `build/aramid run` with programs and roots, and the commands that look into a
// running machine. Each program's output is compared with what the same program prints on this Linux.
package system
