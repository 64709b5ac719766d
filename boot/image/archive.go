package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"

	"aramid/ukernel/arch/hw"
)

// newcHeader is the size of a newc record's header, bytes (cpio(5)).
const newcHeader = 110

// Modes of archive entries.
const (
	modeExecutable = 0o100755
	endName        = "TRAILER!!!"
)

// Archive makes a newc cpio of files, with each file's data on a page boundary: names are padded with NULs, so that the kernel can map
// windows of the archive. Its length is a whole number of pages.
func Archive(files []File) ([]byte, error) {
	var out bytes.Buffer
	w := cpio.Newc.Writer(&out)
	seen := map[string]bool{}
	for i, f := range files {
		if f.Name == "" || strings.ContainsRune(f.Name, 0) || seen[f.Name] {
			return nil, fmt.Errorf("archive: bad or repeated name %q", f.Name)
		}
		seen[f.Name] = true
		data := f.Data
		if data == nil {
			var err error
			if data, err = os.ReadFile(f.Path); err != nil {
				return nil, fmt.Errorf("archive: %w", err)
			}
		}
		start := uint64(out.Len())
		end := roundUp(start+newcHeader+uint64(len(f.Name))+1, hw.PageSize)
		name := f.Name + strings.Repeat("\x00", int(end-start)-newcHeader-len(f.Name)-1)
		r := cpio.StaticRecord(data, cpio.Info{Name: name, Mode: modeExecutable, NLink: 1, Ino: uint64(i + 1)})
		if err := w.WriteRecord(r); err != nil {
			return nil, fmt.Errorf("archive: %s: %w", f.Name, err)
		}
		if uint64(out.Len()) != roundUp(end+uint64(len(data)), 4) {
			return nil, fmt.Errorf("archive: %s: its data is not on a page boundary", f.Name)
		}
	}
	if err := w.WriteRecord(cpio.StaticRecord(nil, cpio.Info{Name: endName, NLink: 1})); err != nil {
		return nil, err
	}
	return append(out.Bytes(), make([]byte, roundUp(uint64(out.Len()), hw.PageSize)-uint64(out.Len()))...), nil
}

func words(b []byte) []uint64 {
	w := make([]uint64, len(b)/8)
	for i := range w {
		w[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return w
}
