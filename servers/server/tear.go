package server

// Tear overwrites what a crash may leave in any state with random words: everything behind the last valid record's end but the word where the
// next one would start, and the snapshot area not in use. Tests call it on kept memory whose image ended: what comes after
// must not depend on it.
func Tear(mem []byte, random func() uint64) {
	m, _, err := openKept(mem)
	if err != nil {
		return
	}
	o, last := m.log, uint64(0)
	for st := m.state(o); st != 0; st = m.state(o) {
		o += int(st & lenMask)
		last = st
	}
	if last&markMask != markOpen {
		o++ // this word says that there is no further record
	}
	for end := min(o+tearWords, m.end); o < end; o++ {
		m.w[o] = random()
	}
	spare := m.snap[(m.epoch+1)%2]
	for i := range tearWords {
		m.w[spare+i] = random()
	}
	m.w[headSnapLen+(m.epoch+1)%2] = random()
}

// tearWords is how much of each place Tear overwrites.
const tearWords = 64
