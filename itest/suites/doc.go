// Package suites runs test suites of others, unchanged, on Aramid: those of Go's standard library that live off system calls. known.txt says
// which of their tests fail, and why.
package suites
