// Package calls is the Linux personality: it takes the traps of alien threads, composes the servers, and answers. It holds no
// truth (DESIGN §7): whatever it keeps is a cache that its successor does without.
//
// A handler runs from its start each time its trap is delivered: after a wait, after a crash of linuxabi, after a forwarded
// request failed. It is correct all the same, because its mutating requests are numbered in program order and servers answer a
// number that they have committed from their journals; and because whatever it *looked up* and uses later (which object a
// descriptor meant, when a deadline is) it saves in the trap's record with its first mutating request or its wait, and finds there
// again. So a handler must send the same requests in the same order whenever its look-ups gave the same.
//
// One file per family of man pages; table.go lists every system call.
package calls
