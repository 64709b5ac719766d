// Package fake is the twin of arch/amd64 for host tests: physical memory is an anonymous mapping, devices do nothing,
// time stands still until a test moves it. One test at a time uses it; Reset starts afresh.
package fake

import (
	"math/rand/v2"
	"sync"
	"syscall"
)

// Machine is the state of the fake machine. Tests may read and set its fields between kernel entries.
type Machine struct {
	RAM      []byte // physical memory; physical address 0 is RAM[0]
	CPU      int    // index of the CPU that "executes" now
	CPUCount int
	NS       uint64               // Now
	Armed    [8]uint64            // absolute ns per CPU; 0 is disarmed
	Kicked   [8]int               // Kick count per CPU
	Root     [8]uint64            // page-table root loaded per CPU
	Flushes  int                  // TLB flushes of any kind
	TLB      [8]map[uint64]uint64 // per CPU: page-table entry by page address; tests fill it, flushes empty it
	Log      []byte               // LogByte
	Ports    map[uint16]uint32
	ShootGen uint64    // newest Shoot
	Acks     [8]uint64 // acknowledged generation per CPU
	Off      bool      // PowerOff was called
	Status   uint32
}

// M is the fake machine.
var (
	M  Machine
	mu sync.Mutex
)

// Reset gives a machine with size bytes of zeroed RAM and n CPUs.
func Reset(size, n int) {
	if M.RAM != nil {
		syscall.Munmap(M.RAM)
	}
	ram, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)
	if err != nil {
		panic(err)
	}
	M = Machine{RAM: ram, CPUCount: n, NS: 1, Ports: map[uint16]uint32{}}
}

// Lock and Unlock are the kernel lock.
func Lock()   { mu.Lock() }
func Unlock() { mu.Unlock() }

// Random64 is a random number.
func Random64() uint64 { return rand.Uint64() }

// Kick counts an inter-processor interrupt.
func Kick(cpu int) { M.Kicked[cpu]++ }

// SwitchSpace records the root.
func SwitchSpace(root uint64) {
	M.Root[M.CPU] = root
	clear(M.TLB[M.CPU])
}

// FlushPage counts a flush.
func FlushPage(va uint64) {
	M.Flushes++
	delete(M.TLB[M.CPU], va&^4095)
}

// FlushAll counts a flush.
func FlushAll() {
	M.Flushes++
	clear(M.TLB[M.CPU])
}

// Ack lets CPU c flush and acknowledge every Shoot so far.
func Ack(c int) {
	clear(M.TLB[c])
	M.Acks[c] = M.ShootGen
}

// Shoot asks the CPUs of mask to flush; tests acknowledge with Ack. A CPU that is not asked keeps its debt of earlier ones.
func Shoot(mask uint64) uint64 {
	M.ShootGen++
	for c := range M.CPUCount {
		if (mask>>c&1 == 0 || c == M.CPU) && M.Acks[c] == M.ShootGen-1 {
			M.Acks[c] = M.ShootGen
		}
	}
	return M.ShootGen
}

// Acked reports whether every CPU has acknowledged generation gen.
func Acked(gen uint64) bool {
	for c := range M.CPUCount {
		if M.Acks[c] < gen {
			return false
		}
	}
	return true
}

// PowerOff records the status.
func PowerOff(status uint32) { M.Off, M.Status = true, status }

// Crash stands for a kernel panic.
func Crash(kind uint32) { panic("fake: kernel panic asked for") }
