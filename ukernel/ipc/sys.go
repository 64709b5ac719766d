package ipc

// What package syscall asks for the Go runtime's subset of Linux calls.

// FindThread is the native thread of p with that id, or nil.
func (p *Process) FindThread(id uint64) *Thread {
	for t := p.threads; t != nil; t = t.procNext {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// FirstThread and NextThread walk an image's native threads; nil ends.
func (p *Process) FirstThread() *Thread { return p.threads }

// NextThread is the thread behind t in its image, or nil.
func (t *Thread) NextThread() *Thread { return t.procNext }

// Sleeping reports whether t is in Sleep: Break ends it.
func (t *Thread) Sleeping() bool { return t.block == BlockSleep }

// Tidy destroys what died, and reports whether nothing is left. For tests: Leave does it in pieces.
func Tidy() (done bool) {
	tidy(true)
	return !untidy
}
