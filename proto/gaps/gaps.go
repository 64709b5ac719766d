// Package gaps is the table of counted gaps that linuxabi keeps in its kept memory, where its successor finds it and rootd and vfsd read
// it: fixed records of RecordSize bytes, the first unused one has count 0. One writer; a reader may see a count one too small.
package gaps

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Layout of a record, bytes.
const (
	RecordSize = 64
	nameOff    = 8
	nameSize   = 24
	whatOff    = nameOff + nameSize
	whatSize   = RecordSize - whatOff
	// TableSize is the size of the whole table; what does not fit is counted in the last record.
	TableSize = 512 * RecordSize
)

// Gap is one kind of use that Linux serves and we do not.
type Gap struct {
	Call, What string
	Count      uint64
}

// Table is the table in memory that outlives the process.
type Table struct {
	b     []byte
	index map[[2]string]int // offset of the record, by call and what; a cache
}

// Open takes over a table of TableSize bytes, empty or not.
func Open(b []byte) *Table {
	t := &Table{b: b, index: map[[2]string]int{}}
	for i, g := range List(b) {
		t.index[[2]string{g.Call, g.What}] = i * RecordSize
	}
	return t
}

// Count counts one use and reports whether it is the first of its kind.
func (t *Table) Count(call, what string) (first bool) {
	key := [2]string{cut(call, nameSize), cut(what, whatSize)}
	off, ok := t.index[key]
	if !ok {
		off = min(len(t.index)*RecordSize, len(t.b)-RecordSize)
		if off == len(t.index)*RecordSize {
			t.index[key] = off
			copy(t.b[off+nameOff:], key[0])
			copy(t.b[off+whatOff:], key[1])
		}
	}
	n := binary.LittleEndian.Uint64(t.b[off:])
	binary.LittleEndian.PutUint64(t.b[off:], n+1)
	return !ok
}

// List reads a table.
func List(b []byte) (out []Gap) {
	for ; len(b) >= RecordSize; b = b[RecordSize:] {
		n := binary.LittleEndian.Uint64(b)
		if n == 0 {
			break
		}
		out = append(out, Gap{text(b[nameOff:whatOff]), text(b[whatOff:RecordSize]), n})
	}
	return out
}

// Text is a list as `aramid gaps` and /proc/aramid/gaps show it: a line for each kind.
func Text(list []Gap) string {
	var b strings.Builder
	for _, g := range list {
		fmt.Fprintf(&b, "%8d %s: %s\n", g.Count, g.Call, g.What)
	}
	return b.String()
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
