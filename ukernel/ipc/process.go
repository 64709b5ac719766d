package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// ProcWords is the number of words that package syscall may keep in a process.
const ProcWords = 320

// Process is a process image with its handle table and threads: the unit that is replaced on restart.
type Process struct {
	object.Header
	Table      object.Table
	Rank       uint32
	Flags      uint32 // uabi.ProcessServer
	State      uint32 // uabi.Process…
	Starts     uint64 // images so far
	ExitStatus uint64
	Name       [16]byte
	Sys        [ProcWords]uint64 // package syscall's own words, of the image: zeroed by Replace
	Space      *vm.Space // with a reference; nil while there is no image
	event      *Event
	threads    *Thread // linked by procNext
	nthreads   uint64
	userNS     uint64 // of threads that are gone
	watchNext  *Process
	watchPrev  *Process
}

// NewProcess makes a process with no image, charged to a.
func NewProcess(a *object.Account, rank, flags uint32, name []byte) (*Process, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Replace puts a fresh image in place: the old one, if any, ends as in Die with its calls given back, and p runs in space s
// (whose reference is taken over) with the same handles. The caller then makes its first thread.
func (p *Process) Replace(s *vm.Space) {}

// Die ends the image. Its delivered, unanswered calls go back to the front of their endpoints as RESENDs; crashed says that
// the image did it itself, which counts for the poison rule.
func (p *Process) Die(status uint64, crashed bool) {}

// Event is the event with the bits ProcessDied and ProcessHung.
func (p *Process) Event() *Event { return p.event }

// Info fills i.
func (p *Process) Info(i *uabi.ProcessInfo) {}
