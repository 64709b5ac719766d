// Package rootfs turns what `aramid run --root` names (a directory, a tar or cpio archive or an EROFS image, plain or gzipped) into the initrd that
// vfsd reads: an EROFS image as it is, everything else as an uncompressed newc cpio whose file contents are page-aligned, so that the guest maps them
// and copies nothing.
package rootfs

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/u-root/u-root/pkg/cpio"
)

// Kind is the format of a root.
type Kind string

// The kinds that vfsd reads.
const (
	Cpio       Kind = "cpio"
	EROFSImage Kind = "erofs"
)

const (
	erofsMagicOff = 1024
	erofsMagic    = "\xe2\xe1\xf5\xe0"
	cpioMagic     = "070701"
	tarMagicOff   = 257
	tarMagic      = "ustar"
	gzipMagic     = "\x1f\x8b"
	headSize      = 2048
)

// Build writes the initrd for the root at name to w and tells its kind. Errors name the path and what to do.
func Build(w io.Writer, name string) (Kind, error) {
	st, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("root: %w", err)
	}
	if st.IsDir() {
		return Cpio, fromDir(w, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("root: %w", err)
	}
	defer f.Close()
	return fromFile(w, name, f)
}

func fromFile(w io.Writer, name string, f io.Reader) (Kind, error) {
	r := bufio.NewReaderSize(f, headSize)
	head, err := r.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("root %s: %w", name, err)
	}
	at := func(off int, magic string) bool {
		return len(head) >= off+len(magic) && string(head[off:off+len(magic)]) == magic
	}
	switch {
	case at(0, gzipMagic):
		z, err := gzip.NewReader(r)
		if err != nil {
			return "", fmt.Errorf("root %s: %w", name, err)
		}
		return fromFile(w, name, z)
	case at(erofsMagicOff, erofsMagic):
		head = bytes.Clone(head)
		size, err := io.Copy(w, r)
		if err != nil {
			return "", fmt.Errorf("root %s: %w", name, err)
		}
		return EROFSImage, checkEROFS(name, head, size)
	case at(0, cpioMagic):
		return Cpio, fromCpio(w, name, r)
	case at(tarMagicOff, tarMagic):
		return Cpio, fromTar(w, name, r)
	}
	return "", fmt.Errorf("root %s: neither a directory nor a tar, cpio (newc) or EROFS file", name)
}

// writer adds records with page-aligned contents.
type writer struct {
	out io.Writer
	cw  cpio.RecordWriter
	off int64
	ino uint64
}

const (
	pageSize   = 4096
	headerSize = 110 // of a newc header
)

func newWriter(w io.Writer) *writer {
	a := &writer{out: w}
	a.cw = cpio.Newc.Writer(countWriter{a})
	return a
}

// countWriter keeps writer.off.
type countWriter struct{ a *writer }

func (c countWriter) Write(b []byte) (int, error) {
	n, err := c.a.out.Write(b)
	c.a.off += int64(n)
	return n, err
}

// add writes one record. A regular file's name is padded with NULs until its contents begin on a page.
func (a *writer) add(rec cpio.Record) error {
	if rec.FileSize > 0 && rec.Mode&syscall.S_IFMT == syscall.S_IFREG {
		data := a.off + headerSize + int64(len(rec.Name)) + 1
		rec.Name += strings.Repeat("\x00", int((pageSize-data%pageSize)%pageSize))
	}
	return a.cw.WriteRecord(rec)
}

func (a *writer) close() error { return cpio.WriteTrailer(a.cw) }

func fromDir(w io.Writer, dir string) error {
	a := newWriter(w)
	rec := cpio.NewRecorder()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
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
		return a.add(r)
	})
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	return a.close()
}

func fromCpio(w io.Writer, name string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("root %s: %w", name, err)
	}
	recs, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b)))
	if err == nil && !bytes.Contains(b, []byte(cpio.Trailer)) {
		err = io.ErrUnexpectedEOF // the reader takes a cut archive for its end
	}
	if err != nil {
		return fmt.Errorf("root %s: damaged cpio archive: %w", name, err)
	}
	a := newWriter(w)
	for _, rec := range recs {
		rec.Name = strings.TrimRight(rec.Name, "\x00")
		if err := a.add(rec); err != nil {
			return fmt.Errorf("root %s: %w", name, err)
		}
	}
	return a.close()
}

func fromTar(w io.Writer, name string, r io.Reader) error {
	a := newWriter(w)
	t := tar.NewReader(r)
	files := map[string]cpio.Record{}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a.close()
		}
		if err != nil {
			return fmt.Errorf("root %s: damaged tar archive: %w", name, err)
		}
		rec, ok, err := tarRecord(a, t, h, files)
		if err != nil {
			return fmt.Errorf("root %s: %s: %w", name, h.Name, err)
		}
		if ok {
			if err := a.add(rec); err != nil {
				return fmt.Errorf("root %s: %s: %w", name, h.Name, err)
			}
		}
	}
}

// tarTypes maps tar entry types to file type bits.
var tarTypes = map[byte]uint64{
	tar.TypeReg: syscall.S_IFREG, tar.TypeDir: syscall.S_IFDIR, tar.TypeSymlink: syscall.S_IFLNK,
	tar.TypeChar: syscall.S_IFCHR, tar.TypeBlock: syscall.S_IFBLK, tar.TypeFifo: syscall.S_IFIFO,
}

// tarRecord turns a tar header into a cpio record; ok is false for entries that name no file. A hard link becomes a record with
// its target's inode number; its contents come again, as newc readers that do not join links expect.
func tarRecord(a *writer, t io.Reader, h *tar.Header, files map[string]cpio.Record) (rec cpio.Record, ok bool, err error) {
	clean := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if clean == "" {
		clean = "."
	}
	if h.Typeflag == tar.TypeLink {
		rec, ok = files[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]
		if !ok {
			return rec, false, fmt.Errorf("hard link to %s, which is not there", h.Linkname)
		}
		rec.Name = clean
		return rec, true, nil
	}
	typ, ok := tarTypes[h.Typeflag]
	if !ok {
		return rec, false, nil
	}
	a.ino++
	rec.Info = cpio.Info{Ino: a.ino, Mode: typ | uint64(h.Mode)&0o7777, UID: uint64(h.Uid), GID: uint64(h.Gid), NLink: 1,
		MTime: uint64(h.ModTime.Unix()), Rmajor: uint64(h.Devmajor), Rminor: uint64(h.Devminor), Name: clean}
	switch h.Typeflag {
	case tar.TypeSymlink:
		rec.ReaderAt, rec.FileSize = strings.NewReader(h.Linkname), uint64(len(h.Linkname))
	case tar.TypeReg:
		b, err := io.ReadAll(t)
		if err != nil {
			return rec, false, err
		}
		rec.ReaderAt, rec.FileSize = bytes.NewReader(b), uint64(len(b))
		files[clean] = rec
	}
	return rec, true, nil
}
