package ipc

import (
	"unsafe"

	"aramid/ukernel/object"
	"aramid/ukernel/vm"
)

// The casts from a header to its object. Each is preceded by a look at Header.Type.

// Safety (all of them): every kernel object has its Header as the first field, and Header.Type says which object it is; the
// callers check it.

func nodeOf(h *object.Header) *node              { return (*node)(unsafe.Pointer(h)) }
func processOf(h *object.Header) *Process        { return (*Process)(unsafe.Pointer(h)) }
func threadOf(h *object.Header) *Thread          { return (*Thread)(unsafe.Pointer(h)) }
func endpointOf(h *object.Header) *Endpoint      { return (*Endpoint)(unsafe.Pointer(h)) }
func badgeOf(h *object.Header) *Badge            { return (*Badge)(unsafe.Pointer(h)) }
func eventOf(h *object.Header) *Event            { return (*Event)(unsafe.Pointer(h)) }
func waitSetOf(h *object.Header) *WaitSet        { return (*WaitSet)(unsafe.Pointer(h)) }
func timerOf(h *object.Header) *Timer            { return (*Timer)(unsafe.Pointer(h)) }
func irqOf(h *object.Header) *IRQ                { return (*IRQ)(unsafe.Pointer(h)) }
func portOf(h *object.Header) *Port              { return (*Port)(unsafe.Pointer(h)) }
func accountOf(h *object.Header) *object.Account { return (*object.Account)(unsafe.Pointer(h)) }
func spaceOf(h *object.Header) *vm.Space         { return (*vm.Space)(unsafe.Pointer(h)) }
func memoryOf(h *object.Header) *vm.Memory       { return (*vm.Memory)(unsafe.Pointer(h)) }
