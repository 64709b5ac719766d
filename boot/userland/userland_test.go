package userland

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"
)

func TestEachCommandIsALinkToTheBinary(t *testing.T) {
	names, packages := commands()
	if len(names) != len(packages) || !slices.Contains(names, "gosh") || !slices.Contains(names, "ls") {
		t.Fatalf("%q", names)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "u"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := write(f, []byte("binary"), names); err != nil {
		t.Fatal(err)
	}
	if b, err := fileOf(f.Name(), "bin/bb"); err != nil || string(b) != "binary" {
		t.Errorf("%q %v", b, err)
	}
	if b, err := fileOf(f.Name(), "bin/sh"); err != nil || string(b) != "gosh" {
		t.Errorf("%q %v", b, err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	recs, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b)))
	if err != nil || len(recs) != 9+len(texts)+1+len(names)+1 {
		t.Errorf("%d records, %v", len(recs), err)
	}
}

// fileOf reads one file of an archive.
func fileOf(archive, name string) ([]byte, error) {
	b, err := os.ReadFile(archive)
	if err != nil {
		return nil, err
	}
	recs, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b)))
	if err != nil {
		return nil, err
	}
	for _, r := range recs {
		if r.Name == name {
			data := make([]byte, r.FileSize)
			_, err := r.ReadAt(data, 0)
			return data, err
		}
	}
	return nil, fmt.Errorf("%s has no %s", archive, name)
}
