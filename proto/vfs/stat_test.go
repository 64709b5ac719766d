package vfs

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStatFieldsLandWhereLinuxPutsThem(t *testing.T) {
	if n := int(reflect.TypeFor[unix.Stat_t]().Size()); n != StatSize {
		t.Fatalf("struct stat has %d bytes", n)
	}
	s := Stat{Dev: 1, Ino: 2, Rdev: 3, Mode: 4, Nlink: 5, Uid: 6, Gid: 7, Size: 8, Blksize: 9, Blocks: 10, AtimeNs: 11e9 + 1, MtimeNs: -1, CtimeNs: 13e9}
	b := bytes.Repeat([]byte{0xff}, StatSize)
	PutStat(b, &s)
	var got unix.Stat_t
	if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, &got); err != nil {
		t.Fatal(err)
	}
	want := unix.Stat_t{Dev: 1, Ino: 2, Rdev: 3, Mode: 4, Nlink: 5, Uid: 6, Gid: 7, Size: 8, Blksize: 9, Blocks: 10,
		Atim: unix.Timespec{Sec: 11, Nsec: 1}, Mtim: unix.Timespec{Sec: -1, Nsec: 999999999}, Ctim: unix.Timespec{Sec: 13}}
	if got != want {
		t.Errorf("got %+v", got)
	}
}
