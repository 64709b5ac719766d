//go:build !ukernel

package arch

import (
	"unsafe"

	"aramid/ukernel/arch/fake"
)

func Ptr(pa uint64) unsafe.Pointer { return fake.Ptr(pa) }
func Phys(p unsafe.Pointer) uint64 { return fake.Phys(p) }
func CPU() int                     { return fake.M.CPU }
func CPUs() int                    { return fake.M.CPUCount }
func Lock()                        { fake.Lock() }
func Unlock()                      { fake.Unlock() }
func Now() uint64                  { return fake.M.NS }
func Arm(deadline uint64)          { fake.M.Armed[fake.M.CPU] = deadline }
func Kick(cpu int)                 { fake.Kick(cpu) }
func SwitchSpace(root uint64)      { fake.SwitchSpace(root) }
func FlushPage(va uint64)          { fake.FlushPage(va) }
func FlushAll()                    { fake.FlushAll() }
func Shoot(mask uint64) uint64     { return fake.Shoot(mask) }
func Acked(gen uint64) bool        { return fake.Acked(gen) }
func Random64() uint64             { return fake.Random64() }
func LogByte(b byte)               { fake.M.Log = append(fake.M.Log, b) }
func PowerOff(status uint32)       { fake.PowerOff(status) }
func In(port uint16, width int) uint32 {
	return fake.M.Ports[port]
}
func Out(port uint16, width int, v uint32)             { fake.M.Ports[port] = v }
func KernelRoot(root uint64)                           {}
func IRQMask(line int, on bool)                        {}
func IRQEnd(line int)                                  {}
func Crash(kind uint32)                                { fake.Crash(kind) }
func StackMax(cpu int) uint64                          { return 0 }
func TSCHz() uint64                                    { return 0 }
func ClockParams() (start, mult uint64, numbered bool) { return 0, 0, false }
func Features() uint32                                 { return 0 }
