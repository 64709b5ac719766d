package syscall

import (
	"bytes"
	"strings"
	"testing"

	"aramid/ukernel/uabi"
)

// parseStack reads back what an image would see.
func parseStack(t *testing.T, buf []byte, top, sp uint64) (argv, envp []string, aux map[uint64]uint64) {
	t.Helper()
	base := top - uint64(len(buf))
	if sp%16 != 0 {
		t.Fatalf("stack pointer %#x is not 16-byte aligned", sp)
	}
	word := func() uint64 {
		v := le64(buf[sp-base:])
		sp += 8
		return v
	}
	str := func(va uint64) string {
		b := buf[va-base:]
		return string(b[:bytes.IndexByte(b, 0)])
	}
	argc := word()
	for p := word(); p != 0; p = word() {
		argv = append(argv, str(p))
	}
	if int(argc) != len(argv) {
		t.Fatalf("argc %d, %d pointers", argc, len(argv))
	}
	for p := word(); p != 0; p = word() {
		envp = append(envp, str(p))
	}
	aux = map[uint64]uint64{}
	for {
		tag, v := word(), word()
		if tag == atNull {
			return argv, envp, aux
		}
		aux[tag] = v
	}
}

func TestANewImageFindsItsArgumentsEnvironmentAndAuxiliaryVector(t *testing.T) {
	random := [randomBytes]byte{1, 2, 3, 15: 16}
	p := imagePlan{entry: 0x401000, phnum: 7, phdrVA: 0x400040}
	for _, c := range []struct{ args, argv, envp string }{
		{"", "rootd", ""},
		{"\x00", "rootd", ""},
		{"\x00A=1\x00", "rootd", "A=1"},
		{"vfsd\x00-x\x00", "vfsd -x", ""},
		{"vfsd\x00-x\x00\x00", "vfsd -x", ""},
		{"vfsd\x00-x\x00\x00A=1\x00BC=22\x00", "vfsd -x", "A=1 BC=22"},
		{"vfsd\x00\x00A=1\x00\x00\x00\x00", "vfsd", "A=1"},
	} {
		buf := make([]byte, stackScratch)
		sp, err := buildStack(buf, stackTop, []byte(c.args), []byte("rootd"), &p, &random)
		if err != uabi.OK {
			t.Fatalf("%q: %v", c.args, err)
		}
		argv, envp, aux := parseStack(t, buf, stackTop, sp)
		if strings.Join(argv, " ") != c.argv || strings.Join(envp, " ") != c.envp {
			t.Errorf("%q: argv %q envp %q", c.args, argv, envp)
		}
		at := aux[atRandom] - (stackTop - stackScratch)
		if !bytes.Equal(buf[at:at+16], random[:]) || aux[atPagesz] != 4096 || aux[atEntry] != p.entry || aux[atPhdr] != p.phdrVA || aux[atPhnum] != 7 || aux[atPhent] != 56 {
			t.Errorf("auxv %v", aux)
		}
	}
}

func TestArgumentsThatAreTooManyOrUnterminatedAreRefused(t *testing.T) {
	var random [randomBytes]byte
	var p imagePlan
	buf := make([]byte, stackScratch)
	for name, c := range map[string]struct {
		args []byte
		want uabi.Error
	}{
		"unterminated": {[]byte("a\x00b"), uabi.ErrArg},
		"too long":     {make([]byte, maxArgs+1), uabi.ErrTooBig},
		"too many":     {bytes.Repeat([]byte("a\x00"), maxArgStrings+1), uabi.ErrTooBig},
	} {
		if _, err := buildStack(buf, stackTop, c.args, []byte("x"), &p, &random); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	full := bytes.Repeat([]byte("a\x00"), maxArgStrings)
	if _, err := buildStack(buf, stackTop, full, []byte("x"), &p, &random); err != uabi.OK {
		t.Errorf("at the limit: %v", err)
	}
}
