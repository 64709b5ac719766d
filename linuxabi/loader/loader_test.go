package loader

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"aramid/ukernel/uabi"
)

func fileReader(b []byte) ReadAt {
	return func(off uint64, p []byte) bool {
		if off > uint64(len(b)) || uint64(len(b))-off < uint64(len(p)) {
			return false
		}
		copy(p, b[off:])
		return true
	}
}

func TestTheTestBinaryItselfParses(t *testing.T) {
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	m, e := ParseELF(fileReader(b))
	if e != uabi.OK {
		t.Fatal(e)
	}
	if len(m.Segments) < 2 || m.Phdr == 0 || m.Entry < m.Low() || m.Entry >= m.High() {
		t.Errorf("implausible image %+v", m)
	}
}

func TestDamagedHeadersAreRefusedAndNeverPanic(t *testing.T) {
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	head := bytes.Clone(b[:4096])
	for i := range HeaderSize + 8*phdrSize {
		for _, x := range []byte{0xff, 0x80, 1} {
			c := bytes.Clone(head)
			c[i] ^= x
			m, e := ParseELF(fileReader(c))
			if e == uabi.OK && !m.Broken && m.High() > maxUserAddr {
				t.Fatalf("byte %d ^ %#x: image reaches %#x", i, x, m.High())
			}
		}
	}
	for n := range HeaderSize + 1 {
		if _, e := ParseELF(fileReader(head[:n])); e != uabi.ErrNoExec {
			t.Fatalf("%d bytes: %v", n, e)
		}
	}
}

func TestScriptLines(t *testing.T) {
	for _, c := range []struct {
		line, interp, arg string
		ok                bool
	}{
		{"#!/bin/sh\necho", "/bin/sh", "", true},
		{"#! /bin/sh -e x \n", "/bin/sh", "-e x", true},
		{"#!/bin/awk\t-f\n", "/bin/awk", "-f", true},
		{"#!\n", "", "", false},
		{"#! ", "", "", true},
		{"#!" + strings.Repeat(" ", ScriptHead), "", "", false},
		{"#!/" + strings.Repeat("a", ScriptHead), "", "", false},
		{"#!/bin/sh\x00x y\n", "/bin/sh", "", true},
		{"#/bin/sh", "", "", false},
		{"", "", "", false},
	} {
		i, a, ok := Script([]byte(c.line))
		if ok != c.ok || ok && (i != c.interp || a != c.arg) {
			t.Errorf("%q: %q %q %v", c.line, i, a, ok)
		}
	}
}

func TestStackIsAlignedAndPointsIntoItself(t *testing.T) {
	const top = 0x7ffffffff000
	for n := range 40 {
		s := Start{Argv: []string{"prog", string(make([]byte, n))}, Envp: []string{"A=B"}, ExecFn: "/prog"}
		b, sp := s.Stack(top)
		if sp%16 != 0 || sp+uint64(len(b)) != top || len(b) > s.StackSize() {
			t.Fatalf("sp %#x, %d bytes, bound %d", sp, len(b), s.StackSize())
		}
		at := func(p uint64) string { return cString(b[p-sp:]) }
		if argc := le.Uint64(b); argc != 2 {
			t.Fatalf("argc %d", argc)
		}
		if a, e := at(le.Uint64(b[8:])), at(le.Uint64(b[32:])); a != "prog" || e != "A=B" {
			t.Fatalf("argv[0] %q envp[0] %q", a, e)
		}
		if le.Uint64(b[24:]) != 0 || le.Uint64(b[40:]) != 0 {
			t.Fatal("argv or envp is not terminated")
		}
	}
}
