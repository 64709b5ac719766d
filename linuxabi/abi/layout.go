package abi

import "encoding/binary"

// le is x86-64's byte order.
var le = binary.LittleEndian

// Writer appends fields of a C structure in order. The caller keeps natural alignment with Pad.
type Writer struct{ B []byte }

// U64 appends a 64-bit field.
func (w *Writer) U64(v uint64) { w.B = le.AppendUint64(w.B, v) }

// U32 appends a 32-bit field.
func (w *Writer) U32(v uint32) { w.B = le.AppendUint32(w.B, v) }

// U16 appends a 16-bit field.
func (w *Writer) U16(v uint16) { w.B = le.AppendUint16(w.B, v) }

// U8 appends a byte.
func (w *Writer) U8(v uint8) { w.B = append(w.B, v) }

var zeroes [128]byte

// Pad appends n ≥ 0 zero bytes.
func (w *Writer) Pad(n int) {
	w.B = append(w.B, zeroes[:min(n, len(zeroes))]...)
	for n -= len(zeroes); n > 0; n-- {
		w.B = append(w.B, 0)
	}
}

// Text appends s, cut to n−1 bytes, and zeroes up to n bytes.
func (w *Writer) Text(s string, n int) {
	s = s[:min(len(s), n-1)]
	w.B = append(w.B, s...)
	w.Pad(n - len(s))
}

// Sizes of structures in bytes (asm/stat.h, linux/stat.h, bits/types of x86-64).
const (
	StatxSize    = 256
	StatfsSize   = 120
	TimespecSize = 16
	TimevalSize  = 16
	RusageSize   = 144
	UtsSize      = 390
	UtsField     = 65
	SiginfoSize  = 128
	SysinfoSize  = 112
	PollfdSize   = 8
	IovecSize    = 16
	RlimitSize   = 16
	StackTSize   = 24
)

// Second is a second in ns.
const Second = 1_000_000_000

// Timespec appends ns as a struct timespec; negative times round down.
func (w *Writer) Timespec(ns int64) {
	sec, nsec := ns/Second, ns%Second
	if nsec < 0 {
		sec, nsec = sec-1, nsec+Second
	}
	w.U64(uint64(sec))
	w.U64(uint64(nsec))
}

// Timeval appends ns as a struct timeval.
func (w *Writer) Timeval(ns uint64) {
	w.U64(ns / Second)
	w.U64(ns % Second / 1000)
}

// ParseTimespec reads a struct timespec as ns, cut to what int64 holds. ok is false where Linux gives EINVAL: negative, or
// tv_nsec outside 0…999999999.
func ParseTimespec(b []byte) (ns int64, ok bool) {
	sec, nsec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || nsec < 0 || nsec >= Second {
		return 0, false
	}
	return Nanoseconds(sec, nsec), true
}

// Nanoseconds is sec and nsec (below Second) as ns, cut to what int64 holds: some 292 years from 1970 on either side.
func Nanoseconds(sec, nsec int64) int64 {
	const most = 1<<63/Second - 1
	switch {
	case sec > most:
		return 1<<63 - 1
	case sec < -most:
		return -1 << 63
	}
	return sec*Second + nsec
}

// Stat is what stat(2) tells of a file. Times are ns since 1970.
type Stat struct {
	Dev, Ino, Rdev             uint64
	Mode, Nlink, UID, GID      uint32
	Size                       int64
	Blksize                    uint32
	Blocks                     uint64
	Atime, Mtime, Ctime, Btime int64
	Mount                      uint64 // 0: it is in no mount
	MountRoot                  bool
}

const (
	statxMask    = 0xfff  // what is always filled: STATX_BASIC_STATS | STATX_BTIME
	statxMountID = 0x1000 // STATX_MNT_ID
	attrMount    = 0x2000 // STATX_ATTR_MOUNT_ROOT
	statxUsed    = 152    // bytes of a struct statx that are not spare
)

// Statx appends a struct statx (linux/stat.h).
func (w *Writer) Statx(s *Stat) {
	mask, attributes := uint32(statxMask), uint64(0)
	if s.Mount != 0 {
		mask |= statxMountID
	}
	if s.MountRoot {
		attributes |= attrMount
	}
	w.U32(mask)
	w.U32(s.Blksize)
	w.U64(attributes)
	w.U32(s.Nlink)
	w.U32(s.UID)
	w.U32(s.GID)
	w.U16(uint16(s.Mode))
	w.U16(0)
	w.U64(s.Ino)
	w.U64(uint64(s.Size))
	w.U64(s.Blocks)
	w.U64(attrMount) // attributes_mask
	for _, t := range [...]int64{s.Atime, s.Btime, s.Ctime, s.Mtime} {
		w.statxTime(t)
	}
	w.U32(major(s.Rdev))
	w.U32(minor(s.Rdev))
	w.U32(major(s.Dev))
	w.U32(minor(s.Dev))
	w.U64(s.Mount)
	w.Pad(StatxSize - statxUsed)
}

func (w *Writer) statxTime(ns int64) {
	sec, nsec := ns/Second, ns%Second
	if nsec < 0 {
		sec, nsec = sec-1, nsec+Second
	}
	w.U64(uint64(sec))
	w.U32(uint32(nsec))
	w.U32(0)
}

// major and minor take a dev_t apart as glibc's gnu_dev_major and gnu_dev_minor do.
func major(d uint64) uint32 { return uint32(d>>8&0xfff | d>>32&^0xfff) }
func minor(d uint64) uint32 { return uint32(d&0xff | d>>12&^0xff) }

// Dirent appends one struct linux_dirent64 and returns its length.
func (w *Writer) Dirent(ino uint64, off int64, typ uint8, name string) {
	start := len(w.B)
	n := DirentSize(name)
	w.U64(ino)
	w.U64(uint64(off))
	w.U16(uint16(n))
	w.U8(typ)
	w.B = append(w.B, name...)
	w.Pad(n - (len(w.B) - start))
}

// DirentSize is the length of the linux_dirent64 record for name.
func DirentSize(name string) int { return (19 + len(name) + 1 + 7) &^ 7 }
