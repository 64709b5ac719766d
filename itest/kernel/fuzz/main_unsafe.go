package main

import (
	"sync/atomic"
	"unsafe"
)

// counters are the threads' counters in shared memory.
func counters(b []byte) []atomic.Uint64 {
	// Safety: b is page-aligned memory of progressSize bytes that stays mapped.
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&b[0])), threads)
}
