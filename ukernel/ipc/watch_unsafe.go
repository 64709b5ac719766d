package ipc

import "unsafe"

// binding is the binding that w is the first field of.
func (w *watch) binding() *binding {
	// Safety: callers have seen that w.member is false.
	return (*binding)(unsafe.Pointer(w))
}

// asMember is the member that w is the first field of.
func (w *watch) asMember() *member {
	// Safety: callers have seen that w.member is true.
	return (*member)(unsafe.Pointer(w))
}
