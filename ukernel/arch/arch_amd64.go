//go:build ukernel

package arch

import (
	"unsafe"

	"aramid/ukernel/arch/amd64"
)

func Ptr(pa uint64) unsafe.Pointer                     { return amd64.Ptr(pa) }
func Phys(p unsafe.Pointer) uint64                     { return amd64.Phys(p) }
func CPU() int                                         { return amd64.CPU() }
func CPUs() int                                        { return amd64.CPUs() }
func Lock()                                            { amd64.Lock() }
func Unlock()                                          { amd64.Unlock() }
func Now() uint64                                      { return amd64.Now() }
func Arm(deadline uint64)                              { amd64.Arm(deadline) }
func Kick(cpu int)                                     { amd64.Kick(cpu) }
func SwitchSpace(root uint64)                          { amd64.SwitchSpace(root) }
func FlushPage(va uint64)                              { amd64.FlushPage(va) }
func FlushAll()                                        { amd64.FlushAll() }
func Shoot(mask uint64) uint64                         { return amd64.Shoot(mask) }
func Acked(gen uint64) bool                            { return amd64.Acked(gen) }
func KernelRoot(root uint64)                           { amd64.KernelRoot(root) }
func Random64() uint64                                 { return amd64.Random64() }
func LogByte(b byte)                                   { amd64.LogByte(b) }
func In(port uint16, width int) uint32                 { return amd64.In(port, width) }
func Out(port uint16, width int, v uint32)             { amd64.Out(port, width, v) }
func IRQMask(line int, on bool)                        { amd64.IRQMask(line, on) }
func IRQEnd(line int)                                  { amd64.IRQEnd(line) }
func PowerOff(status uint32)                           { amd64.PowerOff(status) }
func Crash(kind uint32)                                { amd64.Crash(uint64(kind)) }
func StackMax(cpu int) uint64                          { return amd64.StackMax(cpu) }
func TSCHz() uint64                                    { return amd64.TSCHz() }
func ClockParams() (start, mult uint64, numbered bool) { return amd64.ClockParams() }
func Features() uint32                                 { return amd64.Features() }
