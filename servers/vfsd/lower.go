package main

import (
	"aramid/servers/server"
	"aramid/servers/vfsd/base"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// What is still the image's: its bytes are read where they lie, and cloned (copy-on-write) when a file is mapped or changed.

// readLower copies up to want bytes of a file of the image into grant 0; want is not beyond its end.
func (h *VFSD) readLower(c *server.Ctx, n *tree.Inode, pos, want uint64) (uint64, uabi.Error) {
	got := uint64(0)
	for got < want {
		e, err := h.image.Extent(n.Ino, pos+got)
		if err != nil {
			h.damaged(err)
			return got, uabi.ErrIO
		}
		skip := pos + got - e.Off
		piece := min(want-got, e.Len-skip)
		src, off := uabi.Handle(uabi.BootInitrd), e.At+skip
		if e.Hole {
			src, off, piece = uabi.Handle(h.top.Zero), 0, min(piece, zeroSize)
		}
		m, e2 := c.MemoryToGrant(0, got, src, off, piece)
		got += m
		if e2 != uabi.OK || m < piece {
			return got, e2
		}
	}
	return got, uabi.OK
}

// cloneLower makes the memory of a file of the image: its whole pages are windows, what is left is copied.
func (h *VFSD) cloneLower(c *server.Ctx, n *tree.Inode) (uabi.Handle, uabi.Error) {
	size := uint64(n.Size)
	m, done, err := h.firstPages(c, n.Ino, size)
	for err == uabi.OK && done < size {
		e, fail := h.image.Extent(n.Ino, done)
		if fail != nil {
			h.damaged(fail)
			return 0, uabi.ErrIO
		}
		end := e.Off + e.Len
		if !e.Hole {
			_, err = c.MemoryCopy(m, done, uabi.BootInitrd, e.At+done-e.Off, end-done)
		}
		done = end
	}
	return m, err
}

// firstPages makes the memory of a file of size bytes, and says how many of them it has already.
func (h *VFSD) firstPages(c *server.Ctx, ino, size uint64) (m uabi.Handle, done uint64, err uabi.Error) {
	total := max(pages(int64(size)), pageSize)
	var e base.Extent
	if size > 0 {
		var fail error
		if e, fail = h.image.Extent(ino, 0); fail != nil {
			h.damaged(fail)
			return 0, 0, uabi.ErrIO
		}
	}
	window := e.Len &^ (pageSize - 1)
	if e.Len == size && e.At+total <= uint64(len(h.cfg.Image)) {
		window = total
	}
	if e.Hole || e.At%pageSize != 0 || window == 0 || size == 0 {
		m, err = c.MemoryCreate(h.payer(), total, 0)
		return m, 0, err
	}
	if m, err = c.MemoryClone(uabi.BootInitrd, h.payer(), e.At, window); err != uabi.OK {
		return 0, 0, err
	}
	switch {
	case window < total:
		err = c.MemoryResize(m, total)
	case !zeroes(h.cfg.Image[e.At+size : e.At+total]):
		err = c.MemoryZero(m, size, total-size) // a mapping shows zeroes behind the end, not what comes next in the image
	}
	return m, min(window, size), err
}

func zeroes(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// damaged tells what cannot be read of the image: the caller sees ErrIO.
func (h *VFSD) damaged(err error) {
	if s := err.Error(); s != h.lastDamage {
		h.lastDamage = s
		h.cfg.Log("root file system: " + s)
	}
}
