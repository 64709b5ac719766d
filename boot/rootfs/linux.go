package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/erofs/go-erofs"
	"github.com/u-root/u-root/pkg/cpio"
)

// ForLinux writes the root at name (a directory, a newc archive or an EROFS image) as a newc archive without a trailer that a Linux kernel takes for its
// initramfs: what Build writes has names that Linux finds too long, and Debian's kernel has EROFS in a module only. It serves comparisons with Linux.
func ForLinux(w cpio.RecordWriter, name string) error {
	st, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if st.IsDir() {
		return dirForLinux(w, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	defer f.Close()
	if ok, err := isEROFS(name); err != nil {
		return err
	} else if ok {
		return erofsForLinux(w, f)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	recs, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b)))
	if err != nil {
		return fmt.Errorf("root %s: damaged cpio archive: %w", name, err)
	}
	for _, r := range recs {
		r.Name = strings.TrimRight(r.Name, "\x00")
		if err := w.WriteRecord(r); err != nil {
			return err
		}
	}
	return nil
}

func dirForLinux(w cpio.RecordWriter, dir string) error {
	rec := cpio.NewRecorder()
	return filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		r, err := rec.GetRecord(p)
		if err != nil {
			return err
		}
		r.Name = filepath.ToSlash(rel)
		return w.WriteRecord(r)
	})
}

func erofsForLinux(w cpio.RecordWriter, image io.ReaderAt) error {
	img, err := erofs.Open(image)
	if err != nil {
		return fmt.Errorf("damaged EROFS image: %w", err)
	}
	return fs.WalkDir(img, ".", func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rec, err := erofsRecord(img, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		return w.WriteRecord(rec)
	})
}

// erofsRecord is the cpio record of the file at p.
func erofsRecord(img fs.FS, p string) (rec cpio.Record, err error) {
	fi, err := fs.Lstat(img, p)
	if err != nil {
		return rec, err
	}
	st := fi.Sys().(*erofs.Stat) // fi.Mode() lacks the set-id and sticky bits
	rdev := uint64(st.Rdev)
	rec.Info = cpio.Info{Ino: uint64(st.Ino), Mode: unixMode(st.Mode), UID: uint64(st.UID), GID: uint64(st.GID), NLink: 1,
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
