// Package base reads the image that the root file system begins as: EROFS, which is looked at where it is needed, or a newc cpio archive, which is
// indexed as a whole. It implements tree.Base and says where contents lie, so that vfsd maps them and copies nothing.
package base

import (
	"errors"

	"aramid/servers/vfsd/erofs"
	"aramid/servers/vfsd/tree"
)

// Extent is where a piece of a file lies in the image.
type Extent = erofs.Extent

// Image is an opened image.
type Image interface {
	tree.Base
	// Extent gives the piece of a regular file that holds byte off, which is below its size.
	Extent(ino, off uint64) (Extent, error)
	// FIFOs lists the named pipes.
	FIFOs() ([]uint64, error)
}

// Open knows an image by its first bytes. now is for what the image does not date, ns since 1970.
func Open(b []byte, now int64) (Image, error) {
	switch {
	case len(b) == 0:
		return nil, errors.New("there is no root file system (no initrd)")
	case erofs.Is(b):
		m, err := erofs.Open(b)
		if err != nil {
			return nil, err
		}
		return &erofsImage{m}, nil
	}
	return openCpio(b, now)
}
