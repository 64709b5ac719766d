// Package main is a kernel with a package variable that needs code to be initialised.
package main

var (
	seed  = 3
	ready = compute(seed)
)

//go:noinline
func compute(n int) int { return n * n }

//go:noinline
func entry() int { return ready }

func main() { entry() }
