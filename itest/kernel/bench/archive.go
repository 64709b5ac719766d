package main

import (
	"bytes"
	"strconv"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// findRootd finds this program in the boot archive: a newc cpio, see cpio(5).
func findRootd(k *uk.Real) (off, n uint64) {
	const header, sizeAt, nameAt = 110, 54, 94
	h := make([]byte, 512)
	for {
		got, err := k.MemoryRead(uabi.BootArchive, off, h)
		check("archive", err)
		if got < header {
			check("archive", uabi.ErrNotFound)
		}
		size, _ := strconv.ParseUint(string(h[sizeAt:sizeAt+8]), 16, 64)
		nameLen, _ := strconv.ParseUint(string(h[nameAt:nameAt+8]), 16, 64)
		name, _, _ := bytes.Cut(h[header:], []byte{0})
		data := (off + header + nameLen + 3) &^ 3
		if string(name) == "rootd" {
			return data, size
		}
		if nameLen == 0 || string(name) == "TRAILER!!!" {
			check("archive", uabi.ErrNotFound)
		}
		off = (data + size + 3) &^ 3
	}
}
