package main

import (
	"reflect"
	"testing"
)

func TestProcess1ComesFromTheCommandLine(t *testing.T) {
	i := process1(parseLine("log=com1 aramid.init=/bin/my%20prog,a%2Cb,%25 aramid.env=HOME=/x,NEW=1 word"))
	if want := []string{"/bin/my prog", "a,b", "%"}; !reflect.DeepEqual(i.Argv, want) || !i.Search {
		t.Errorf("argv %q", i.Argv)
	}
	if want := []string{defaultPath, "TERM=linux", "HOSTNAME=aramid", "HOME=/x", "NEW=1"}; !reflect.DeepEqual(i.Env, want) {
		t.Errorf("env %q", i.Env)
	}
}

func TestWithoutAProgramItIsTheRootsInit(t *testing.T) {
	i := process1(parseLine("log=com1 trace=on"))
	if !reflect.DeepEqual(i.Argv, []string{"/sbin/init"}) || len(i.Else) == 0 || i.Search || !reflect.DeepEqual(i.Env, []string{"HOME=/", "TERM=linux"}) {
		t.Errorf("%+v", i)
	}
}

func TestInitGetsLinuxsWordsAsLinuxGivesThem(t *testing.T) {
	for line, want := range map[string]struct{ argv, env []string }{
		"trace=on aramid.root=cpio systemd.unit=x.target quiet norandmaps 3 LANG=C a.b single": {[]string{"/sbin/init", "3", "single"}, []string{"HOME=/", "TERM=linux", "LANG=C"}},
		"aramid.root=cpio TERM=vt220 V=1 V=2 root=/dev/vda ro":                                 {[]string{"/sbin/init"}, []string{"HOME=/", "TERM=vt220", "V=2"}},
		`aramid.root=cpio V="a b" "c d" -- e=f g.h -x`:                                         {[]string{"/sbin/init", "c d", "e=f", "g.h", "-x"}, []string{"HOME=/", "TERM=linux", "V=a b"}},
		"aramid.root=cpio lost init=/bin/bash kept":                                            {[]string{"/bin/bash", "kept"}, []string{"HOME=/", "TERM=linux"}},
	} {
		if i := process1(parseLine(line)); !reflect.DeepEqual(i.Argv, want.argv) || !reflect.DeepEqual(i.Env, want.env) {
			t.Errorf("%s: argv %q env %q", line, i.Argv, i.Env)
		}
	}
}
