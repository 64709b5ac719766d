// Package control frames the requests of the host command `aramid` to rootd and their replies on a byte channel (a serial line)
// that may lose or hold stale bytes. Integers are little-endian. A frame is
//
//	magic[4] seq u32 code u32 bodyLen u32 dataLen u32 body data crc32c u32 (over all before it)
//
// code is a request's method number of aramid.root.Root, or a reply's uabi.Error. A reader skips bytes until a whole frame with
// a right checksum is there, so both sides find each other again after a restart of either.
package control

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	magic      = "ARc1"
	headerSize = 20
	crcSize    = 4
)

// MaxBody and MaxData bound a frame, in bytes: a request's or reply's message, and the binary of a swap.
const (
	MaxBody = 1 << 20
	MaxData = 256 << 20
)

// Frame is one request or reply.
type Frame struct {
	Seq, Code  uint32
	Body, Data []byte
}

var (
	table = crc32.MakeTable(crc32.Castagnoli)
	le    = binary.LittleEndian
	// errDamaged is a frame whose checksum or lengths are wrong; readers skip it.
	errDamaged = errors.New("damaged frame")
)

// Write sends f.
func Write(w io.Writer, f *Frame) error {
	if len(f.Body) > MaxBody || len(f.Data) > MaxData {
		return fmt.Errorf("control frame with %d + %d bytes: at most %d + %d", len(f.Body), len(f.Data), MaxBody, MaxData)
	}
	h := make([]byte, headerSize, headerSize+len(f.Body))
	copy(h, magic)
	for i, v := range [4]uint32{f.Seq, f.Code, uint32(len(f.Body)), uint32(len(f.Data))} {
		le.PutUint32(h[4+4*i:], v)
	}
	h = append(h, f.Body...)
	crc := crc32.Update(crc32.Checksum(h, table), table, f.Data)
	for _, b := range [...][]byte{h, f.Data, le.AppendUint32(nil, crc)} {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Read gives the next whole frame; its error is the reader's.
func Read(r *bufio.Reader) (*Frame, error) {
	for {
		if err := sync(r); err != nil {
			return nil, err
		}
		f, err := readFrame(r)
		if !errors.Is(err, errDamaged) {
			return f, err
		}
	}
}

// sync reads up to and with the next magic.
func sync(r *bufio.Reader) error {
	for n := 0; n < len(magic); {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return err
		case c == magic[n]:
			n++
		case c == magic[0]:
			n = 1
		default:
			n = 0
		}
	}
	return nil
}

func readFrame(r *bufio.Reader) (*Frame, error) {
	var h [headerSize]byte
	copy(h[:], magic)
	if _, err := io.ReadFull(r, h[4:]); err != nil {
		return nil, err
	}
	f := &Frame{Seq: le.Uint32(h[4:]), Code: le.Uint32(h[8:])}
	body, data := le.Uint32(h[12:]), le.Uint32(h[16:])
	if body > MaxBody || data > MaxData {
		return nil, errDamaged
	}
	b := make([]byte, body+data+crcSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	f.Body, f.Data = b[:body], b[body:body+data]
	crc := crc32.Update(crc32.Checksum(h[:], table), table, b[:body+data])
	if crc != le.Uint32(b[body+data:]) {
		return nil, errDamaged
	}
	return f, nil
}
