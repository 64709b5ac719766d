package main

import (
	"reflect"
	"testing"
)

func TestProcess1ComesFromTheCommandLine(t *testing.T) {
	i := process1(map[string]string{"aramid.init": "/bin/my%20prog,a%2Cb,%25", "aramid.env": "HOME=/x,NEW=1"})
	if want := []string{"/bin/my prog", "a,b", "%"}; !reflect.DeepEqual(i.Argv, want) || !i.Search {
		t.Errorf("argv %q", i.Argv)
	}
	if want := []string{defaultPath, "TERM=linux", "HOSTNAME=aramid", "HOME=/x", "NEW=1"}; !reflect.DeepEqual(i.Env, want) {
		t.Errorf("env %q", i.Env)
	}
}

func TestWithoutAProgramItIsTheRootsInit(t *testing.T) {
	i := process1(map[string]string{})
	if !reflect.DeepEqual(i.Argv, []string{"/sbin/init"}) || i.Search || !reflect.DeepEqual(i.Env, []string{"HOME=/", "TERM=linux"}) {
		t.Errorf("%+v", i)
	}
}
