// Command netd is the socket server: AF_UNIX (stream, datagram, seqpacket) and AF_NETLINK with what PID 1 asks of rtnetlink.
//
// # Sockets and badges
//
// A socket has a number for ever and at most one live badge, which is what the handles of others mean. When the last of these is gone
// (R6) the badge's number is dead; the socket lives on if a message under way carries it, and gets a new badge when that is received. So
// the server knows exactly which sockets somebody has, and package-level collect finds those that only queues of such sockets hold.
//
// # Bytes
//
// What a socket has received lies in one memory object, used as a ring that grows when it must; the kernel copies between it and the
// caller's grants. state.Packet says what the bytes are: datagrams, or runs of a stream with one sender, its credentials and files.
//
// # Readiness
//
// A socket has one event; its low 16 bits are poll(2)'s, the others what senders and connecting sockets wait for. Invariant: after each
// request the level of each event is what ready says, so that a wait needs only the level.
package main
