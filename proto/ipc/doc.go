// Package ipc is the transport below the generated clients and services: how a request becomes a message and a reply becomes
// values. It knows nothing of journals (servers/server) and nothing of Linux.
//
// # Encodings
//
// A message of only scalars that fits six words travels in Msg.W, in field order; every other message is protobuf in the
// message's bytes. Handle fields travel in Msg.Handle in field order in either encoding; an absent one is 0.
//
// # Aliasing
//
// Decoding copies nothing: strings and byte slices of a decoded message alias the message buffer. Those of a request are valid until its
// handler returns, those of a reply until the next call through the same Caller. Who keeps one clones it.
//
// # Errors
//
// A call's error is the server's status or the transport's (ErrHandle, ErrStale, ErrDeadlock, …). After ErrWait the caller's
// LastWait says what to wait for before sending again.
package ipc
