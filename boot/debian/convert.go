package debian

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aramid/boot/rootfs"
)

// convert writes the archive and the units as an EROFS image at path. The same packages give the same bytes: what bears the time of the
// installation gets that of the newest file of a package.
func convert(path string, archive io.ReadSeeker) error {
	newest, err := newestFile(archive)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	w := rootfs.NewEROFS(out, newest)
	err = copyTar(w, archive, newest)
	for _, u := range units {
		h := tar.Header{Typeflag: tar.TypeReg, Name: "etc/systemd/system/" + u.name, Mode: 0o644, Size: int64(len(u.text)), ModTime: newest}
		err = errors.Join(err, w.Add(&h, strings.NewReader(u.text)))
	}
	return errors.Join(err, w.Close(), out.Close())
}

// installTime is more than mmdebstrap needs, and less than the age of a package when it is installed.
const installTime = time.Hour

// newestFile is the time of the newest file that came with a package: one older than the installation.
func newestFile(archive io.ReadSeeker) (time.Time, error) {
	began := time.Now().Add(-installTime)
	newest := time.Unix(0, 0)
	err := eachEntry(archive, func(h *tar.Header, _ io.Reader) error {
		if h.Typeflag == tar.TypeReg && h.ModTime.Before(began) && h.ModTime.After(newest) {
			newest = h.ModTime
		}
		return nil
	})
	return newest.Truncate(time.Second).UTC(), err
}

// shadowDay is the day of the last change of a password in a line of shadow(5).
var shadowDay = regexp.MustCompile(`(?m)^([^:]*:[^:]*:)\d+:`)

// copyTar adds the archive's entries.
func copyTar(w *rootfs.EROFS, archive io.ReadSeeker, newest time.Time) error {
	day := strconv.FormatInt(newest.Unix()/int64(24*time.Hour/time.Second), 10)
	return eachEntry(archive, func(h *tar.Header, r io.Reader) error {
		if h.ModTime.After(newest) {
			h.ModTime = newest
		}
		if base := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "-"); base == "etc/shadow" {
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			r = strings.NewReader(shadowDay.ReplaceAllString(string(b), "${1}"+day+":"))
		}
		return w.Add(h, r)
	})
}

// eachEntry calls f with every entry of the archive, from its start.
func eachEntry(archive io.ReadSeeker, f func(*tar.Header, io.Reader) error) error {
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	t := tar.NewReader(archive)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("damaged tar archive: %w", err)
		}
		if err := f(h, t); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}
