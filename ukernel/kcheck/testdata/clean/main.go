// Package main is a kernel that keeps every rule.
package main

import "sync/atomic"

var (
	stack [8192]byte
	g0    [512]byte
	idt   [2]uint64
	enter = kmain
)

func kentry()

type thread struct {
	next *thread
	id   uint64
	buf  [300]byte
}

type device interface{ read(n int) int }
type disk struct{ n int }

func (d *disk) read(n int) int { return d.n + n }

var (
	pool    [16]thread
	queue   *thread
	counter atomic.Uint64
	d0      disk
	dev     device = &d0
	name    string
)

func number(n uint64) uint64 {
	switch n {
	case 0:
		return counter.Add(1)
	case 1:
		return 77
	case 2:
		return pool[n].id
	case 3:
		pool[3] = pool[4]
		return 9
	case 4:
		queue.next = &pool[n]
		return 8
	case 5:
		clear(pool[5].buf[:n])
		return 19
	case 6:
		return uint64(dev.read(int(n)))
	case 7:
		return uint64(copy(pool[n].buf[:], pool[n+1].buf[n:]))
	case 8:
		if name == "hello, ring 0 or so" {
			return 3
		}
	case 9:
		return n / counter.Load()
	}
	return 0
}

func kmain() {
	for i := uint64(0); i < 20; i++ {
		pool[i&15].id = number(i)
	}
}

func main() { kentry() }
