// Package wire is how rootd and its probe pass a request and a reply in the probe's kept memory: each at a place of its own, its length before it.
package wire

import (
	"encoding/binary"

	"aramid/proto/control"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Where the request and the reply are.
const (
	Request = 0
	Reply   = 2 * control.MaxBody

	lengthSize = 8
)

// Write puts text at a place.
func Write(k uk.Kernel, memory uabi.Handle, at uint64, text []byte) uabi.Error {
	if len(text) > control.MaxBody {
		return uabi.ErrSize
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, lengthSize+len(text)), uint64(len(text)))
	_, err := k.MemoryWrite(memory, at, append(b, text...))
	return err
}

// Read gives what is at a place.
func Read(k uk.Kernel, memory uabi.Handle, at uint64) ([]byte, uabi.Error) {
	var b [lengthSize]byte
	if _, err := k.MemoryRead(memory, at, b[:]); err != uabi.OK {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(b[:])
	if n > control.MaxBody {
		return nil, uabi.ErrSize
	}
	text := make([]byte, n)
	_, err := k.MemoryRead(memory, at+lengthSize, text)
	return text, err
}
