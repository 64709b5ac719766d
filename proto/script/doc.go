// Package script runs protocol scripts: requests to a server in protobuf's text format with what they must be answered (docs/testing.md, "Protocol
// scripts"). One format serves the servers' own tests on the simulated kernel (servers/server/servertest) and `aramid proto` on a running machine; who
// runs a script says only how one call is made. Do makes it in the process that calls.
//
// A line is one request:
//
//	f = Open path:"/tmp/a" flags:0x42 mode:0600     names the handles of the reply; of a reply without any, its first words
//	Write @f <"hello" -> count:5                    on a handle, with a grant of bytes; fields that the reply must have
//	Read @f >5 -> "hello"                           with a grant to be filled, and what it must hold
//	Open path:"/absent" -> not found                the error in uabi's words
//	Lock @f file:$g                                 handles and numbers in a request or in what is wanted
//	close f
//	# a comment
package script
