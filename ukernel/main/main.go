//go:build ukernel

package main

import (
	_ "unsafe" // linkname

	"aramid/ukernel/arch/amd64"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/syscall"
)

// The functions that arch/amd64's entry code calls; static function values, so that kcheck can see through them. The second one is
// package syscall's own: no Go frame lies between the entry code and the decoder.
//
//go:linkname bootFn aramid/ukernel/arch/amd64.bootFn
//go:linkname enterFn aramid/ukernel/arch/amd64.enterFn
var (
	bootFn  func()                          = boot
	enterFn func(c *hw.Context) *hw.Context = syscall.Enter
)

// statusNoMemory is the power-off status when there is no room for the kernel's own tables.
const statusNoMemory = 4

// boot runs once on the boot CPU with the kernel lock held; the other CPUs wait for the lock.
func boot() {
	amd64.BootLine()
	if !frame.Init(amd64.Info()) {
		amd64.LogText("ukernel: cannot boot: too little memory for the frame table\n")
		amd64.PowerOff(statusNoMemory)
	}
	syscall.Boot(amd64.Info())
}

// main is never called: the kernel's entry point is arch/amd64's.
func main() {}
