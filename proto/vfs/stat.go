package vfs

import "encoding/binary"

// StatSize is sizeof(struct stat) of x86-64 (asm/stat.h), bytes.
const StatSize = 144

// PutStat writes s to the first StatSize bytes of b as struct stat: what StatTo puts into its grant.
func PutStat(b []byte, s *Stat) {
	le := binary.LittleEndian
	b = b[:StatSize]
	clear(b)
	le.PutUint64(b, s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint64(b[16:], uint64(s.Nlink))
	le.PutUint32(b[24:], s.Mode)
	le.PutUint32(b[28:], s.Uid)
	le.PutUint32(b[32:], s.Gid)
	le.PutUint64(b[40:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint64(b[56:], uint64(s.Blksize))
	le.PutUint64(b[64:], s.Blocks)
	for i, ns := range [...]int64{s.AtimeNs, s.MtimeNs, s.CtimeNs} {
		const second = 1e9
		sec, nsec := ns/second, ns%second
		if nsec < 0 {
			sec, nsec = sec-1, nsec+second
		}
		le.PutUint64(b[72+16*i:], uint64(sec))
		le.PutUint64(b[80+16*i:], uint64(nsec))
	}
}
