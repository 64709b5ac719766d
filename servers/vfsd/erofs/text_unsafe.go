package erofs

import "unsafe"

// text views bytes of the image as a string.
func text(b []byte) string {
	// Safety: the string aliases the image, which is never written and stays mapped; the length is the slice's.
	return unsafe.String(unsafe.SliceData(b), len(b))
}
