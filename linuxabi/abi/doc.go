// Package abi holds Linux's x86-64 binary interface as far as linuxabi encodes and decodes it itself: errno for each
// uabi.Error, structure layouts as byte encoders, and the names of all system calls. Constants that golang.org/x/sys/unix
// has are used from there. errno exists in no other part of Aramid.
package abi

//go:generate go run ./gennames -o names_gen.go
