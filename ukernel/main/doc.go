// Command main is the kernel: the linked program that boot/image turns into a boot image. It ties the machine (arch/amd64) to the
// kernel's front door (syscall) and nothing else. Build it with boot/mkimage; without the tag ukernel it is empty.
package main
