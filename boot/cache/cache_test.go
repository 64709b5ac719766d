package cache

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestAFileIsMadeOnceAndWhole(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	made := 0
	fill := func(path string) error {
		made++
		return os.WriteFile(path, []byte("whole"), 0o600)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			path, err := File("x", fill)
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != "whole" {
				t.Errorf("%q %v", b, err)
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}

func TestAHalfWrittenFileIsNeverTaken(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	broken := errors.New("broken")
	if _, err := File("x", func(path string) error {
		os.WriteFile(path, []byte("ha"), 0o600)
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	path, err := File("x", func(path string) error { return os.WriteFile(path, []byte("whole"), 0o600) })
	if b, _ := os.ReadFile(path); err != nil || string(b) != "whole" {
		t.Errorf("%q %v", b, err)
	}
}

func TestPlaceReplacesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "sub/to")
	for _, text := range []string{"one", "two"} {
		os.Remove(from)
		if err := os.WriteFile(from, []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := Place(from, to); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := os.ReadFile(to); err != nil || string(b) != text {
			t.Errorf("%q %v", b, err)
		}
	}
}
