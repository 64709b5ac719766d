package main

import (
	"fmt"
	"strings"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// file is where a file lies in the boot archive.
type file struct{ off, len uint64 }

// newc header fields (cpio(5)): 6 bytes of magic, then 13 numbers of 8 hexadecimal digits.
const (
	cpioHeader   = 110
	cpioFileSize = 6 + 6*8
	cpioNameSize = 6 + 11*8
	cpioEnd      = "TRAILER!!!"
)

// readArchive lists the boot archive.
func readArchive(k uk.Kernel) (map[string]file, error) {
	size, _, err := k.MemorySize(uabi.BootArchive)
	if err != uabi.OK {
		return nil, fmt.Errorf("boot archive: %w", err)
	}
	files := map[string]file{}
	for off := uint64(0); off+cpioHeader <= size; {
		var h [cpioHeader]byte
		if _, err := k.MemoryRead(uabi.BootArchive, off, h[:]); err != uabi.OK {
			return nil, fmt.Errorf("boot archive at %d: %w", off, err)
		}
		n, ok1 := hex(h[cpioFileSize:])
		nameLen, ok2 := hex(h[cpioNameSize:])
		if string(h[:6]) != "070701" || !ok1 || !ok2 || nameLen > size-off {
			return nil, fmt.Errorf("boot archive: no cpio header at %d", off)
		}
		name := make([]byte, nameLen)
		if _, err := k.MemoryRead(uabi.BootArchive, off+cpioHeader, name); err != uabi.OK {
			return nil, fmt.Errorf("boot archive at %d: %w", off, err)
		}
		s := strings.TrimRight(string(name), "\x00")
		if s == cpioEnd {
			break
		}
		data := (off + cpioHeader + nameLen + 3) &^ 3
		if data > size || n > size-data {
			return nil, fmt.Errorf("boot archive: %s is cut", s)
		}
		files[s] = file{data, n}
		off = (data + n + 3) &^ 3
	}
	return files, nil
}

// hex reads 8 hexadecimal digits.
func hex(b []byte) (v uint64, ok bool) {
	for _, c := range b[:8] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | uint64(c-'A'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
