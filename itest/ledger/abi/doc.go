// Package abi is linuxabi in miniature: a handler whose aliens use a ledger by system calls. It holds no truth; an alien's record says
// which step of a call is under way and which objects its descriptors meant. Tests run it on uksim, where aliens are Go functions, to
// cover what native clients cannot: records, forwarding, pins, interrupts, partial progress and the death of an alien.
//
// A call's result is ≥ 0 or −uabi.Error.
package abi
