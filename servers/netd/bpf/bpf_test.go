package bpf

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func program(list ...insn) []byte {
	var b []byte
	for _, in := range list {
		b = binary.LittleEndian.AppendUint16(b, in.code)
		b = append(b, in.jt, in.jf)
		b = binary.LittleEndian.AppendUint32(b, in.k)
	}
	return b
}

// Like sd-device's monitor: the magic at offset 8, then a bit of a hash.
var magic = program(
	insn{classLd | modeAbs, 0, 0, 8}, insn{classJmp | jmpJeq, 1, 0, 0xfeedcafe}, insn{classRet, 0, 0, 0xffffffff},
	insn{classLd | modeAbs, 0, 0, 12}, insn{classJmp | jmpJset, 0, 1, 0x100}, insn{classRet, 0, 0, 5}, insn{classRet, 0, 0, 0},
)

func TestFiltersTakeWhatTheirReturnSays(t *testing.T) {
	pkt := func(magic, bits uint32) []byte {
		b := binary.BigEndian.AppendUint32([]byte("libudev\x00"), magic)
		return append(binary.BigEndian.AppendUint32(b, bits), "rest"...)
	}
	alu := program(
		insn{classLdx | modeMsh | sizeB, 0, 0, 0}, insn{classLd | modeInd | sizeH, 0, 0, 0}, insn{classAlu | aluAdd | srcX, 0, 0, 0},
		insn{classSt, 0, 0, 3}, insn{classLd | modeImm, 0, 0, 0}, insn{classLdx | modeMem, 0, 0, 3}, insn{classMisc | miscTxa, 0, 0, 0},
		insn{classRet | retA, 0, 0, 0},
	)
	for _, v := range []struct {
		name    string
		program []byte
		packet  []byte
		want    int
	}{
		{"another magic", magic, pkt(1, 0), 20}, {"the bit", magic, pkt(0xfeedcafe, 0x180), 5}, {"no bit", magic, pkt(0xfeedcafe, 0x80), 0},
		{"too short", magic, []byte("abc"), 0}, {"arithmetic", alu, []byte{1, 0, 0, 0, 0, 2, 9, 9}, 6},
		{"division by 0", program(insn{classAlu | aluDiv | srcX, 0, 0, 0}, insn{classRet, 0, 0, 9}), []byte("abc"), 0},
	} {
		if !Valid(v.program) {
			t.Errorf("%s: not valid", v.name)
		} else if got := Run(v.program, v.packet); got != v.want {
			t.Errorf("%s: takes %d, want %d", v.name, got, v.want)
		}
	}
}

func TestWhatCannotRunIsNotValid(t *testing.T) {
	end := insn{classRet, 0, 0, 0}
	for name, p := range map[string][]byte{
		"empty": nil, "torn": magic[:13], "no return": program(insn{classLd | modeImm, 0, 0, 0}), "jump beyond": program(insn{classJmp | jmpJeq, 1, 0, 0}, end),
		"division": program(insn{classAlu | aluDiv, 0, 0, 0}, end), "memory": program(insn{classSt, 0, 0, 16}, end),
		"ancillary": program(insn{classLd | modeAbs, 0, 0, 0xfffff000}, end), "code": program(insn{0xffff, 0, 0, 0}, end),
	} {
		if Valid(p) {
			t.Errorf("%s is valid", name)
		}
	}
}

func TestRandomValidProgramsEnd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	valid := 0
	for range 300000 {
		var list []insn
		for range r.IntN(5) {
			list = append(list, insn{uint16(r.Uint32N(256)), uint8(r.Uint32N(4)), uint8(r.Uint32N(4)), r.Uint32N(20)})
		}
		p := program(append(list, insn{classRet | retA*uint16(r.IntN(2)), 0, 0, r.Uint32N(50)})...)
		if Valid(p) {
			valid++
			if n := Run(p, make([]byte, r.IntN(30))); n < 0 || n > 30 {
				t.Fatalf("takes %d", n)
			}
		}
	}
	if valid < 1000 {
		t.Fatalf("%d programs were valid", valid)
	}
}
