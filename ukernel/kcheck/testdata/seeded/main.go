// Package main is a kernel with one seeded violation in each function whose name starts with bad, and twins that keep the
// rules. Each is an entry for a test of its own; main keeps the linker from dropping them.
package main

import (
	"fmt"
	_ "unsafe" // for linkname

	"aramid/ukernel/kcheck/testdata/seeded/outside"
)

//go:linkname memmoveBits runtime.memmoveBits
var memmoveBits uint8

type iface interface{ m() int }
type other interface{ n() int }
type impl struct{ v int }

func (i *impl) m() int { return i.v }

var (
	sink    *int
	bytes   []byte
	text    string
	table   map[int]int
	channel chan int
	anyone  any
	changed = badTarget
	thing   iface
	buffer  [9000]byte
	from    [9000]byte
)

//go:noinline
func badNew() { sink = new(int) }

//go:noinline
func badMake(n int) { bytes = make([]byte, n) }

//go:noinline
func badAppend() { bytes = append(bytes, 1) }

//go:noinline
func badMap() { table[1]++ }

//go:noinline
func badChan() { channel <- 1 }

//go:noinline
func badReceive() { <-channel }

//go:noinline
func badSelect() { select {} }

//go:noinline
func badGo() { go badTarget() }

//go:noinline
func badConcat() { text = text + "x" + text }

//go:noinline
func badConversion() { bytes = []byte(text) }

//go:noinline
func badInterface(n int) { anyone = n }

//go:noinline
func badAssertion() { _, _ = anyone.(other) }

//go:noinline
func badPrint() { println(text) }

//go:noinline
func badLibrary() { fmt.Println() }

//go:noinline
func badPrivileged() { outside.Disable() }

//go:noinline
func badDefer() {
	defer badTarget()
	text = ""
}

//go:noinline
func badDeferLoop() {
	for range bytes {
		defer badTarget()
	}
}

//go:noinline
func badRecover() { anyone = recover() }

//go:noinline
func badTarget() {}

// badEscape returns a closure that outlives its variables.
//
//go:noinline
func badEscape(n int) func() int { return func() int { n++; return n } }

//go:noinline
func badRecursion(n int) int {
	if n == 0 {
		return 0
	}
	return badRecursion(n-1) + 1
}

//go:noinline
func badEven(n int) bool { return n == 0 || badOdd(n-1) }

//go:noinline
func badOdd(n int) bool { return n != 0 && !badEven(n-1) }

// badChanged calls a variable that other code writes.
//
//go:noinline
func badChanged() {
	change()
	changed()
}

//go:noinline
func change() {
	if len(text) > 3 {
		changed = keptTarget
	}
}

//go:noinline
func badParameter(f func()) { f() }

//go:noinline
func badField(p *struct{ f func() }) { p.f() }

//go:noinline
func badStack() {
	var big [9000]byte
	fill(&big)
}

//go:noinline
func fill(b *[9000]byte) { b[len(text)] = 1 }

// badStackSum has no large frame, only a deep path.
//
//go:noinline
func badStackSum() {
	var a [3000]byte
	use(a[:])
	sum2()
	use(a[:])
}

//go:noinline
func sum2() {
	var a [3000]byte
	use(a[:])
	sum3()
	use(a[:])
}

//go:noinline
func sum3() {
	var a [3000]byte
	use(a[:])
}

//go:noinline
func use(b []byte) { b[len(text)]++ }

// badFeature makes memmove take its AVX blocks.
//
//go:noinline
func badFeature(n int) {
	memmoveBits = 1
	copy(buffer[:n], from[:n])
}

// badFeatureAddress hands the variable's address to code that may write it.
//
//go:noinline
func badFeatureAddress(n int) {
	write(&memmoveBits)
	copy(buffer[:n], from[:n])
}

//go:noinline
func write(p *uint8) { *p = 0 }

func badAVX()
func badJump()
func badReturn()
func badBytes()
func badEnd()
func badPush()
func badSwitch()
func badABI()
func badABIPath()

//go:noinline
func keptCopy(n int) { copy(buffer[:n], from[:n]) }

//go:noinline
func keptTarget() {}

// keptMethod calls through an itab that is not known at the call.
//
//go:noinline
func keptMethod() int {
	if len(text) > 0 {
		thing = &impls[1]
	}
	return thing.m()
}

var impls [2]impl

// keptVariable calls a variable that nothing writes in this entry's reach.
//
//go:noinline
func keptVariable() { steady() }

var steady = keptTarget

//go:noinline
func keptSwitch(n int) int {
	switch n {
	case 0:
		return 5
	case 1:
		return len(text)
	case 2:
		return 7
	case 3:
		return len(bytes)
	case 4:
		return 9
	case 5:
		return cap(bytes)
	case 6:
		return 11
	case 7:
		return len(table)
	case 8:
		keptTarget()
	}
	return 0
}

func main() {
	n := len(text)
	badNew()
	badMake(n)
	badAppend()
	badMap()
	badChan()
	badReceive()
	badGo()
	badConcat()
	badConversion()
	badInterface(n)
	badAssertion()
	badPrint()
	badLibrary()
	badPrivileged()
	badDefer()
	badDeferLoop()
	badRecover()
	badParameter(changed)
	badField(nil)
	badEscape(n)
	badRecursion(n)
	badEven(n)
	badChanged()
	badStack()
	badStackSum()
	badFeature(n)
	badFeatureAddress(n)
	badAVX()
	badJump()
	badReturn()
	badBytes()
	badEnd()
	badPush()
	badSwitch()
	badABI()
	badABIPath()
	keptCopy(n)
	keptMethod()
	keptVariable()
	keptSwitch(n)
	badSelect()
}
