package syscall

// The boot archive is a cpio in the "newc" format (cpio(5)): ASCII headers of 110 bytes, names and data padded to 4 bytes.
// boot/ pads names further, so that each file's data starts on a page boundary and an image can be mapped where it lies.
const (
	cpioHeader   = 110
	cpioMagic    = "070701"
	cpioFieldLen = 8
	cpioFileSize = 6 + 6*cpioFieldLen
	cpioNameSize = 6 + 11*cpioFieldLen
	cpioMode     = 6 + 1*cpioFieldLen
	cpioTrailer  = "TRAILER!!!"
	cpioNameMax  = 8192 // padding makes names long
	modeType     = 0o170000
	modeRegular  = 0o100000
)

// cpioFind returns where the regular file called name lies in the archive, in bytes. ok is false when the archive is
// damaged before the file or ends without it; damaged tells the two apart.
func cpioFind(archive []byte, name string) (off, length uint64, ok, damaged bool) {
	at := uint64(0)
	size := uint64(len(archive))
	for {
		if size < cpioHeader || at > size-cpioHeader {
			break
		}
		h := (*[cpioHeader]byte)(archive[at:])
		fileSize, ok1 := cpioHex(h, cpioFileSize)
		nameSize, ok2 := cpioHex(h, cpioNameSize)
		mode, ok3 := cpioHex(h, cpioMode)
		if string(h[:len(cpioMagic)]) != cpioMagic || !ok1 || !ok2 || !ok3 || nameSize == 0 || nameSize > cpioNameMax {
			break
		}
		at += cpioHeader
		data := align4(at + nameSize)
		if data > size || fileSize > size-data {
			break
		}
		entry := cpioName(archive[at : at+nameSize])
		if string(entry) == cpioTrailer {
			return 0, 0, false, false
		}
		if string(entry) == name && mode&modeType == modeRegular {
			return data, fileSize, true, false
		}
		at = align4(data + fileSize)
	}
	return 0, 0, false, true
}

// cpioName cuts the name at its first NUL and drops a leading "./" or "/".
//
//go:noinline
func cpioName(b []byte) []byte {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) >= 2 && b[0] == '.' && b[1] == '/' {
		return b[2:]
	}
	if len(b) >= 1 && b[0] == '/' {
		return b[1:]
	}
	return b
}

// cpioHex reads the field at offset at. It is called for each: code is counted.
//
//go:noinline
func cpioHex(h *[cpioHeader]byte, at int) (n uint64, ok bool) {
	for _, c := range h[at : at+cpioFieldLen] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, true
}

func align4(n uint64) uint64 { return (n + 3) &^ 3 }
