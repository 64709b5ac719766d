package ipc

import "unsafe"

// String views bytes of a message buffer as a string.
func String(p []byte) string {
	// Safety: the string aliases the buffer, which is rewritten by the next message; the package comment's rule ("Aliasing") is that
	// who keeps a string of a message clones it. The length is the slice's.
	return unsafe.String(unsafe.SliceData(p), len(p))
}
