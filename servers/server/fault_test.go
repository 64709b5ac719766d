package server

import "testing"

func TestFaultPlansAreReadFromTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		line        string
		seed, every uint64
		each, ok    bool
	}{
		{"log=com1 aramid.fault=mmd:7:100", 7, 100, false, true},
		{"aramid.fault=vfsd:1:2,mmd:0x10:5:each", 16, 5, true, true},
		{"aramid.fault=mmd:7:0", 0, 0, false, false},
		{"aramid.fault=mmd:7:5:often", 0, 0, false, false},
		{"aramid.fault=vfsd:7:5:each", 0, 0, false, false},
		{"", 0, 0, false, false},
	} {
		seed, every, each, ok := parseFault(c.line, "mmd")
		if seed != c.seed || every != c.every || each != c.each || ok != c.ok {
			t.Errorf("%q: %d %d %v %v", c.line, seed, every, each, ok)
		}
	}
}
