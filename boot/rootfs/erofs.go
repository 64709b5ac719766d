package rootfs

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// checkEROFS looks whether an image of that many bytes is whole; head is its begin.
func checkEROFS(name string, head []byte, size int64) error {
	const (
		blockBits = erofsMagicOff + 12
		blocks    = erofsMagicOff + 36
		end       = erofsMagicOff + 128
	)
	if len(head) < end || head[blockBits] > 16 {
		return fmt.Errorf("root %s: damaged EROFS image: no superblock", name)
	}
	if want := int64(binary.LittleEndian.Uint32(head[blocks:])) << head[blockBits]; want > size {
		return fmt.Errorf("root %s: damaged EROFS image: %d bytes of %d", name, size, want)
	}
	return nil
}

// Prepare gives the file that is the initrd for the root at name: an EROFS image as it is, of everything else what Build writes to the file to.
func Prepare(to, name string) (initrd string, kind Kind, err error) {
	if ok, err := isEROFS(name); ok || err != nil {
		return name, EROFSImage, err
	}
	f, err := os.Create(to)
	if err != nil {
		return "", "", err
	}
	kind, err = Build(f, name)
	if e := f.Close(); err == nil {
		err = e
	}
	return to, kind, err
}

// isEROFS reports whether the file at name is an EROFS image; one that is not whole is an error.
func isEROFS(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, fmt.Errorf("root: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return false, err
	}
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	if err != nil && n == 0 || len(head) < erofsMagicOff+len(erofsMagic) || string(head[erofsMagicOff:][:len(erofsMagic)]) != erofsMagic {
		return false, nil
	}
	return true, checkEROFS(name, head, st.Size())
}
