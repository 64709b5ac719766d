// Package kernel tests the kernel in QEMU with no servers: each program below this folder is put into an image as rootd, and says a
// positive word before it powers the machine off. A hang, a panic or a missing word is a failure.
//
//	smoke   what a stock Go runtime needs: threads, timers, collections, preemption, recovered faults
//	fuzz    random native calls from four threads; nothing may stay behind
//	bench   raw figures in guest instructions
package kernel
