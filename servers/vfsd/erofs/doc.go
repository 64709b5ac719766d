// Package erofs reads uncompressed EROFS images that lie in memory (Linux's Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h). It copies
// nothing and keeps nothing: an inode is a number (nid) until it is looked at, so the cost of opening an image does not grow with it.
//
// Everything read is checked against the image's bounds; what is damaged gives an error that wraps ErrDamaged, never a panic (FuzzImage).
package erofs
