package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Caller is whoever can call: a native thread (Thread), a handler (server.Ctx, whose calls are nested ones), linuxabi (Lane). A
// generated client fills Buffer().Out (words, Len, handles, grants) and OutBytes, calls Exchange, and reads the reply from the same places.
type Caller interface {
	Buffer() *uk.Buffer
	// Exchange sends what is in Buffer().Out to h. mutates: the request needs an id. The result is the reply's status, or the
	// transport's error.
	Exchange(h uabi.Handle, method uint32, mutates bool) uabi.Error
	// LastWait is what the last call that returned ErrWait asked to wait for. Its Event is a handle of this process, to be closed by
	// the caller.
	LastWait() uabi.WaitSpec
}

// Forwarder is whoever holds an alien's trap and can pass its reply right on (linuxabi's Lane).
type Forwarder interface {
	Buffer() *uk.Buffer
	// Forward makes what is in Buffer().Out the answer to the current trap: a request to h with the alien's reply right (R3).
	// ErrSize: more than MaxForward bytes; then nothing was done.
	Forward(h uabi.Handle, method uint32, mutates bool) uabi.Error
}

// Dispatcher decodes a request from b (In, InBytes), runs its handler and encodes the reply into b (Out, OutBytes) when that
// returned OK. C is the handlers' context, *server.Ctx. ErrCall: no such method; ErrDecode: bytes that are not its message.
type Dispatcher[C any] interface {
	Dispatch(c C, method uint32, b *uk.Buffer) uabi.Error
}

// Service is one .proto service with its handlers behind it.
type Service[C any] struct {
	Name     string
	First    uint32   // number of the first method
	Methods  []Method // index = number − First
	Dispatch Dispatcher[C]
}

// Method describes a method for the library, traces and tests.
type Method struct {
	Name       string
	Mutates    bool
	Blocks     bool
	Forward    bool
	Refuses    bool         // it never answers OK: only of a joined service
	Errors     []uabi.Error // beyond ErrDecode, ErrHandle, ErrIO and ErrNoMem
	In, Out    Encoding
	NewIn      func() Message
	NewOut     func() Message
	InHandles  int
	OutHandles int
}

// Encoding is the number of words of a message that travels in registers, or Bytes.
type Encoding int8

// Bytes is the encoding of a message that travels as protobuf.
const Bytes Encoding = -1

// Message is what every generated message can do without reflection.
type Message interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVTUnsafe([]byte) error
	// FromWords and ToWords are the register encoding; those of a message that travels as bytes do nothing.
	FromWords(*[uabi.MaxWords]uint64)
	ToWords(*[uabi.MaxWords]uint64)
	FromHandles(*[uabi.MaxHandles]uabi.Handle)
	ToHandles(*[uabi.MaxHandles]uabi.Handle)
	// Clear makes the message empty and keeps the room of its lists.
	Clear()
}

// SetGrants puts a call's grants into its header. More than MaxGrants are cut, which the kernel answers with ErrSize.
func SetGrants(m *uabi.Msg, grants []uabi.Grant) {
	m.NGrants = uint32(len(grants))
	for i := 0; i < len(grants) && i < uabi.MaxGrants; i++ {
		m.Grant[i] = grants[i]
	}
}

// Valid reports whether a received message is well formed for a method: the sizes that decoding relies on.
func Valid(m *uabi.Msg, e Encoding) bool {
	if e == Bytes {
		return m.Len <= uabi.MaxBytes
	}
	return m.Len == 0
}

// SetHandles says how many of the n slots that a method may use are sent: absent ones at the end are not.
func SetHandles(m *uabi.Msg, n int) {
	for n > 0 && m.Handle[n-1] == 0 {
		n--
	}
	m.NHandles = uint32(n)
}

// AbsentHandles makes the slots beyond those that were sent read as absent, for a method that may carry n.
func AbsentHandles(m *uabi.Msg, n int) {
	for i := int(m.NHandles); i < n; i++ {
		m.Handle[i] = 0
	}
}
