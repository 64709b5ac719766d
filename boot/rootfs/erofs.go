package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/erofs/go-erofs"
	"github.com/u-root/u-root/pkg/cpio"
)

// fromEROFS unpacks an EROFS image (uncompressed, as go-erofs reads) into the cpio that vfsd maps.
func fromEROFS(w io.Writer, name string, r io.Reader) error {
	at, ok := r.(io.ReaderAt)
	if !ok {
		b, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("root %s: %w", name, err)
		}
		at = bytes.NewReader(b)
	}
	img, err := erofs.Open(at)
	if err != nil {
		return fmt.Errorf("root %s: damaged EROFS image: %w", name, err)
	}
	a := newWriter(w)
	err = fs.WalkDir(img, ".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rec, err := erofsRecord(img, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		return a.add(rec)
	})
	if err != nil {
		return fmt.Errorf("root %s: damaged EROFS image: %w", name, err)
	}
	return a.close()
}

// erofsRecord is the cpio record of the file at p.
func erofsRecord(img fs.FS, p string) (rec cpio.Record, err error) {
	fi, err := fs.Lstat(img, p)
	if err != nil {
		return rec, err
	}
	st := fi.Sys().(*erofs.Stat) // fi.Mode() lacks the set-id and sticky bits
	rdev := uint64(st.Rdev)
	rec.Info = cpio.Info{Ino: uint64(st.Ino), Mode: unixMode(st.Mode), UID: uint64(st.UID), GID: uint64(st.GID), NLink: uint64(st.Nlink),
		MTime: st.Mtime, Rmajor: rdev >> 8 & 0xfff, Rminor: rdev&0xff | rdev>>12&^0xff, Name: p}
	var data []byte
	switch fi.Mode().Type() {
	case 0:
		data, err = fs.ReadFile(img, p)
	case fs.ModeSymlink:
		var to string
		to, err = fs.ReadLink(img, p)
		data = []byte(to)
	}
	rec.ReaderAt, rec.FileSize = bytes.NewReader(data), uint64(len(data))
	return rec, err
}

// modeBits maps fs.FileMode bits to stat(2)'s.
var modeBits = []struct {
	from fs.FileMode
	to   uint64
}{
	{fs.ModeDir, syscall.S_IFDIR}, {fs.ModeSymlink, syscall.S_IFLNK}, {fs.ModeNamedPipe, syscall.S_IFIFO}, {fs.ModeSocket, syscall.S_IFSOCK},
	{fs.ModeSetuid, syscall.S_ISUID}, {fs.ModeSetgid, syscall.S_ISGID}, {fs.ModeSticky, syscall.S_ISVTX},
}

// unixMode is m as stat(2) gives it.
func unixMode(m fs.FileMode) uint64 {
	v := uint64(m.Perm())
	for _, b := range modeBits {
		if m&b.from != 0 {
			v |= b.to
		}
	}
	switch {
	case m.IsRegular():
		v |= syscall.S_IFREG
	case m&fs.ModeCharDevice != 0:
		v |= syscall.S_IFCHR
	case m&fs.ModeDevice != 0:
		v |= syscall.S_IFBLK
	}
	return v
}
