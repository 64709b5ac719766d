package main

import (
	"reflect"
	"strings"
	"testing"

	"aramid/ukernel/uabi"
)

func TestManifestLines(t *testing.T) {
	got, err := parseManifest("# servers\nmmd mmd 1 server\n\nprocd p 2 server mmd power handler=mmd\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []line{
		{name: "mmd", file: "mmd", rank: 1, server: true},
		{name: "procd", file: "p", rank: 2, server: true, below: []string{"mmd"}, boot: []uabi.Handle{uabi.BootPower}, handler: "mmd"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestBadManifestsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"a b":                           "line 1",
		"a b 1\na c 2":                  "second a",
		"a b x":                         "rank",
		"a b 7":                         "rank",
		"a b 1 nobody":                  "nobody",
		"a b 1 handler=no":              "no, which is not there",
		"aaaaaaaaaaaaaaaaaaaaaaaaa b 1": "at most",
	} {
		if _, err := parseManifest(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEndpointSlotsAreTheBootHandles(t *testing.T) {
	for rank, slot := range map[uint32]uabi.Handle{uabi.RankRoot: uabi.BootRoot, uabi.RankMM: uabi.BootMM, uabi.RankProc: uabi.BootProc,
		uabi.RankVFS: uabi.BootVFS, uabi.RankNet: uabi.BootNet, uabi.RankLinux: uabi.BootLinux} {
		if endpointSlot(rank) != slot {
			t.Errorf("rank %d: slot %d, want %d", rank, endpointSlot(rank), slot)
		}
	}
}
