// Package uk is the user side of the kernel: the interface Kernel has one typed method for each native call of uabi/calls.go,
// and Real makes them with one assembly stub. ukernel/uksim implements the same interface inside one host process.
//
// A Kernel value belongs to one thread: its message buffer, current request and current trap are that thread's. Calls that
// need neither may be made through any Kernel of the process.
//
// # Rules
//
//   - Errors are uabi.Error, never the error interface; uabi.OK is success. No method allocates.
//   - A byte slice given to a method is read or written only during the call.
//   - Calls that can block tell the Go scheduler (see Real), so that garbage collection is never held up by a server that waits.
package uk
