package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/erofs/go-erofs"
)

// EROFS writes an uncompressed EROFS image. Contents of more than a page begin on a page, so that they can be mapped.
type EROFS struct {
	w *erofs.Writer
}

// NewEROFS begins an image; built is its time of creation. Same entries and time, same bytes.
func NewEROFS(out io.WriteSeeker, built time.Time) *EROFS {
	return &EROFS{erofs.Create(out, erofs.WithBlockSize(pageSize), erofs.WithBuildTime(uint64(built.Unix()), 0))}
}

// xattrRecord is how a PAX header names an extended attribute (as GNU tar and libarchive write it).
const xattrRecord = "SCHILY.xattr."

// Add adds a tar entry with all that it says; entries that name no file (global headers) add nothing. Parents that had no entry of their own get
// mode 0755. EROFS images of go-erofs have no hard links: a further name is a file of its own with the same contents.
func (e *EROFS) Add(h *tar.Header, data io.Reader) error {
	name := path.Clean("/" + h.Name)
	ok, err := e.make(name, h, data)
	if err != nil || !ok {
		return err
	}
	mode := h.FileInfo().Mode()
	if h.Typeflag != tar.TypeSymlink {
		if err := e.w.Chmod(name, mode); err != nil {
			return err
		}
	}
	if err := e.w.Chown(name, h.Uid, h.Gid); err != nil {
		return err
	}
	for k, v := range h.PAXRecords {
		if attr, ok := strings.CutPrefix(k, xattrRecord); ok {
			if err := e.w.Setxattr(name, attr, v); err != nil {
				return err
			}
		}
	}
	return e.w.Chtimes(name, h.ModTime, h.ModTime)
}

// make makes the file itself. false: the entry names none.
func (e *EROFS) make(name string, h *tar.Header, data io.Reader) (bool, error) {
	switch h.Typeflag {
	case tar.TypeDir:
		return true, e.w.Mkdir(name, h.FileInfo().Mode().Perm())
	case tar.TypeSymlink:
		return true, e.w.Symlink(h.Linkname, name)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return true, e.w.Mknod(name, uint16(tarTypes[h.Typeflag]), deviceNumber(h.Devmajor, h.Devminor))
	case tar.TypeReg:
		return true, e.file(name, data)
	case tar.TypeLink:
		return true, e.again(name, path.Clean("/"+h.Linkname))
	}
	return false, nil
}

// deviceNumber is a device number as Linux's new_encode_dev packs it, which is how EROFS has it on the disk.
func deviceNumber(major, minor int64) uint32 {
	return uint32(minor&0xff | major<<8 | minor&^0xff<<12)
}

func (e *EROFS) file(name string, data io.Reader) error {
	f, err := e.w.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, data); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// again writes another name's contents.
func (e *EROFS) again(name, target string) error {
	f, err := e.w.Open(target)
	if err != nil {
		return fmt.Errorf("hard link to %s: %w", target, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.Mode().Type() != fs.FileMode(0) {
		return fmt.Errorf("hard link to %s, which is no regular file (%v)", target, err)
	}
	return e.file(name, f)
}

// Close writes the image.
func (e *EROFS) Close() error { return e.w.Close() }
