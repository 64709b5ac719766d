package kcheck

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// This test compares the stack depths that the interpreter computes with those that the Go toolchain wrote into .debug_frame:
// two independent sources, for every function of a linked program.

// frameRow says that from addr on, the canonical frame address is SP + cfa.
type frameRow struct {
	addr uint64
	cfa  int64
}

// DWARF 4 §7.23 call frame instructions, those that the Go linker emits.
const (
	cfaAdvanceLoc     = 0x40 // high two bits; low six are the delta
	cfaAdvanceLoc1    = 0x02
	cfaAdvanceLoc2    = 0x03
	cfaAdvanceLoc4    = 0x04
	cfaDefCFAOffsetSF = 0x13
	cfaNop            = 0
	cfaHighBits       = 0xc0
	cieID             = 0xffffffff
	dataAlign         = -4 // of the Go linker's CIE
)

// frameRows reads .debug_frame: per function start, its rows.
func frameRows(t *testing.T, data []byte) map[uint64][]frameRow {
	out := map[uint64][]frameRow{}
	for len(data) >= 8 {
		n := binary.LittleEndian.Uint32(data)
		entry := data[4 : 4+n]
		data = data[4+n:]
		if binary.LittleEndian.Uint32(entry) == cieID {
			continue
		}
		start := binary.LittleEndian.Uint64(entry[4:])
		out[start] = rows(t, start, entry[20:])
	}
	return out
}

func rows(t *testing.T, at uint64, code []byte) []frameRow {
	var out []frameRow
	for len(code) > 0 {
		op := code[0]
		code = code[1:]
		switch {
		case op&cfaHighBits == cfaAdvanceLoc:
			at += uint64(op &^ cfaHighBits)
		case op == cfaAdvanceLoc1:
			at += uint64(code[0])
			code = code[1:]
		case op == cfaAdvanceLoc2:
			at += uint64(binary.LittleEndian.Uint16(code))
			code = code[2:]
		case op == cfaAdvanceLoc4:
			at += uint64(binary.LittleEndian.Uint32(code))
			code = code[4:]
		case op == cfaDefCFAOffsetSF:
			v, n := sleb(code)
			out = append(out, frameRow{at, v * dataAlign})
			code = code[n:]
		case op == cfaNop:
		default:
			t.Fatalf("unknown call frame instruction %#x", op)
		}
	}
	return out
}

// sleb reads a signed LEB128 number.
func sleb(b []byte) (v int64, n int) {
	shift := 0
	for {
		c := b[n]
		n++
		v |= int64(c&0x7f) << shift
		shift += 7
		if c&0x80 == 0 {
			if c&0x40 != 0 {
				v |= -1 << shift
			}
			return v, n
		}
	}
}

func TestStackDepthsAgreeWithTheToolchainsFrameTable(t *testing.T) {
	name := filepath.Join(t.TempDir(), "clean")
	cmd := exec.Command("go", "build", "-trimpath", "-o", name, "-tags", "ukernel", "-ldflags", "-T -0x7fdff000 -checklinkname=0 -compressdwarf=false", "./testdata/clean")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := file.Section(".debug_frame").Data()
	if err != nil {
		t.Fatal(err)
	}
	img, err := loadImage(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{}.withDefaults()
	a := &analysis{img: img, cfg: &cfg, decoded: map[uint64]*inst{}, changes: map[uint64]string{}, round: round{assumed: map[uint64]bool{}}}
	funcs, points := 0, 0
	for start, table := range frameRows(t, data) {
		f := img.function(start)
		if f == nil || f.Addr != start || handMadeFrames[baseName(f.Name)] {
			continue
		}
		n, err := compareFrames(a, f, table)
		if err != nil {
			t.Error(err)
		}
		funcs, points = funcs+1, points+n
	}
	const enough = 1000
	if funcs < enough {
		t.Errorf("only %d functions compared", funcs)
	}
	t.Logf("%d functions, %d instructions", funcs, points)
}

// handMadeFrames lists assembly that aligns SP with AND, whose effect the toolchain does not know and the interpreter
// takes at its worst.
var handMadeFrames = map[string]bool{
	"runtime.vgetrandom1": true, "runtime.callCgoMmap": true, "runtime.callCgoMunmap": true, "runtime.callCgoSigaction": true,
	"runtime.asmcgocall": true, "runtime.sigfwd": true, "runtime.rt0_go": true,
	"runtime.systemstack": true, // one path jumps away with its frame already released
}

// compareFrames interprets f alone and compares the depth before each instruction; it stops at the first stack switch.
func compareFrames(a *analysis, f *Func, table []frameRow) (points int, err error) {
	fl := &flow{f: f, seeds: map[uint64]ready{f.Addr: readyGo}}
	a.interpret(fl)
	for _, addr := range fl.addrs() {
		d := fl.in[addr].depth
		if d.hasAbs || !d.hasRel {
			continue
		}
		cfa := int64(word)
		for _, row := range table {
			if row.addr <= addr {
				cfa = row.cfa
			}
		}
		points++
		if int64(d.rel) != cfa-word {
			return points, fmt.Errorf("%s+%#x: %d bytes in use, the toolchain says %d", f.Name, addr-f.Addr, d.rel, cfa-word)
		}
	}
	return points, nil
}
