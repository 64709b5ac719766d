package main

import (
	"testing"

	"aramid/servers/procd/state"
)

// Names of threads, hosts and programs are bytes that need be no UTF-8.
func TestNamesOfAnyBytesAreSavedAndLoaded(t *testing.T) {
	const odd = "\xff\xfe\x80"
	h := New()
	h.take(&state.State{
		Threads: []*state.Thread{{Tid: 1, Pid: 1, Origin: 1, Name: odd}}, Procs: []*state.Process{{Pid: 1, Exe: "/" + odd}}, Uts: []*state.Uts{{Id: 1, Hostname: odd}},
	})
	back := New()
	if err := back.Load(h.Save()); err != nil {
		t.Fatal(err)
	}
	if got := back.threads.Get(1); got == nil || got.Name != odd {
		t.Errorf("the thread is %v", got)
	}
	if got := back.procs.Get(1); got == nil || got.Exe != "/"+odd {
		t.Errorf("the process is %v", got)
	}
}
