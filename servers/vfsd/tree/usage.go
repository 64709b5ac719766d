package tree

import (
	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// usage is what the files of a file system take of its limits: names of files and directories, and pages.
type usage struct{ files, pages uint64 }

// pageSize is what contents are counted in, bytes.
const pageSize = 4096

func pagesOf(n int64) uint64 { return (uint64(n) + pageSize - 1) / pageSize }

// Usage says how many files and pages a file system has.
func (t *Tree) Usage(fs uint64) (files, pages uint64) {
	u := t.usageOf(fs)
	return u.files, u.pages
}

func (t *Tree) usageOf(fs uint64) *usage {
	u := t.used[fs]
	if u == nil {
		u = &usage{}
		t.used[fs] = u
	}
	return u
}

// countInode counts an inode that is there; the image's count for nothing but what is written into them.
func (t *Tree) countInode(n *Inode) {
	u := t.usageOf(n.Fs)
	u.pages += n.Pages
	if t.made(n) {
		u.files += namesOf(n)
	}
}

func (t *Tree) uncountInode(n *Inode) {
	u := t.usageOf(n.Fs)
	u.pages -= n.Pages
	if t.made(n) {
		u.files--
	}
}

// made reports whether an inode is none of the image's.
func (t *Tree) made(n *Inode) bool { return t.base == nil || n.Ino > t.base.Last() }

// namesOf is what an inode counts for: as on Linux's tmpfs each hard link does.
func namesOf(n *Inode) uint64 {
	if n.IsDir() {
		return 1
	}
	return max(uint64(n.Nlink), 1)
}

// roomForName says whether a file system may have one more name.
func (t *Tree) roomForName(f *state.FileSystem) uabi.Error {
	if f != nil && f.MaxInodes != 0 && t.usageOf(f.Id).files >= f.MaxInodes {
		return uabi.ErrNoSpace
	}
	return uabi.OK
}

// added is how many pages a write of [pos, end) adds to a file: those that it spans, as far as the file is not full already.
func added(n *Inode, pos, end int64) uint64 {
	span := pagesOf(end) - uint64(pos)/pageSize
	return min(span, pagesOf(max(end, n.Size))-min(n.Pages, pagesOf(max(end, n.Size))))
}

// Fit says how far a write of [pos, end) gets: to end, or to where its file system is full. ErrNoSpace: nowhere.
func (t *Tree) Fit(n *Inode, pos, end int64) (int64, uabi.Error) {
	f := t.fs.Get(n.Fs)
	if f == nil || f.MaxBytes == 0 {
		return end, uabi.OK
	}
	want := added(n, pos, end)
	limit, used := f.MaxBytes/pageSize, t.usageOf(n.Fs).pages
	free := limit - min(used, limit)
	if want <= free {
		return end, uabi.OK
	}
	last := int64((pagesOf(end) - (want - free)) * pageSize)
	if last <= pos {
		return pos, uabi.ErrNoSpace
	}
	return last, uabi.OK
}

// Fill notes that bytes [pos, end) of a file have been written: its size and pages.
func (t *Tree) Fill(n *Inode, pos, end int64) {
	t.Reserve(n, pos, end)
	n.Size = max(n.Size, end)
}

// Reserve notes that a file has pages for bytes [pos, end).
func (t *Tree) Reserve(n *Inode, pos, end int64) {
	t.touch(n)
	more := added(n, pos, end)
	n.Pages += more
	t.usageOf(n.Fs).pages += more
}

// Punch notes that the whole pages in [pos, end) of a file are free.
func (t *Tree) Punch(n *Inode, pos, end int64) {
	if from, to := pagesOf(pos), uint64(end)/pageSize; to > from {
		less := min(to-from, n.Pages)
		n.Pages -= less
		t.usageOf(n.Fs).pages -= less
	}
}

// SetSize changes a file's size: what is cut off frees its pages, what is added has none yet.
func (t *Tree) SetSize(n *Inode, size int64) {
	t.touch(n)
	n.Size = size
	if left := pagesOf(size); n.Pages > left {
		t.usageOf(n.Fs).pages -= n.Pages - left
		n.Pages = left
	}
}

// Blocks is stat(2)'s st_blocks, of 512 bytes.
func (t *Tree) Blocks(n *Inode) uint64 {
	const sectors = pageSize / 512
	switch {
	case n.Type() != unix.S_IFREG:
		return 0
	case t.made(n):
		return n.Pages * sectors
	}
	return pagesOf(n.Size) * sectors
}
