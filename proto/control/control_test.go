package control

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

func TestFramesSurviveStaleBytesBeforeAndBetweenThem(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("junk ARc ARc1")
	b.Write(make([]byte, 16)) // a header of zeroes after a magic: its checksum is wrong
	b.Write(make([]byte, 4))
	for i := range 3 {
		if err := Write(&b, &Frame{Seq: uint32(i), Code: 7, Body: []byte("body"), Data: bytes.Repeat([]byte{byte(i)}, i*1000)}); err != nil {
			t.Fatal(err)
		}
		b.WriteString("AR noise")
	}
	r := bufio.NewReader(&b)
	for i := range 3 {
		f, err := Read(r)
		if err != nil || f.Seq != uint32(i) || string(f.Body) != "body" || len(f.Data) != i*1000 {
			t.Fatalf("frame %d: %+v %v", i, f, err)
		}
	}
	if _, err := Read(r); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestAFrameWithAnyByteChangedIsNotDelivered(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, &Frame{Seq: 1, Code: 2, Body: []byte("hello"), Data: []byte("data")}); err != nil {
		t.Fatal(err)
	}
	for i := range b.Len() {
		c := bytes.Clone(b.Bytes())
		c[i] ^= 0x40
		if f, err := Read(bufio.NewReader(bytes.NewReader(c))); err == nil {
			t.Errorf("byte %d changed: %+v", i, f)
		}
	}
}

func TestTooLargeFramesAreRefused(t *testing.T) {
	if err := Write(io.Discard, &Frame{Body: make([]byte, MaxBody+1)}); err == nil {
		t.Error("no error")
	}
}
