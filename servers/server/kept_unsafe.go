package server

import "unsafe"

// words views b, which starts at an 8-byte boundary, as words.
func words(b []byte) []uint64 {
	if uintptr(unsafe.Pointer(unsafe.SliceData(b)))%wordSize != 0 {
		panic("server: kept memory is not aligned")
	}
	// Safety: the start is aligned (checked), the length covers whole words of b only, and words hold no pointers. Both views live as
	// long as the array, which is kept alive by either.
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/wordSize)
}
