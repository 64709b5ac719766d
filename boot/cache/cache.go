// Package cache keeps what takes long to make (root file systems, kernels, the built-in userland) outside the clone, so that `make clean` and a
// fresh clone find it again. A file is there whole or not at all, and two makers of one file wait for each other.
package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// noHome is where the cache is for a user without a home, such as a CI job.
const noHome = "/var/cache/aramid"

// Dir is the cache's folder, which is made: $XDG_CACHE_HOME/aramid or ~/.cache/aramid.
func Dir() (string, error) {
	dir := noHome
	if user, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(user, "aramid")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	return dir, nil
}

// File gives the path of a cached file. If it is not there, fill writes it to the path that it is given, which becomes the file only when
// fill succeeded and the bytes are on the disk.
func File(name string, fill func(path string) error) (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("cache: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("cache: lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(path); err == nil { // made while we waited
		return path, nil
	}
	return path, make1(path, fill)
}

// make1 fills a file beside path and renames it.
func make1(path string, fill func(string) error) error {
	part := path + ".part"
	defer os.Remove(part)
	if err := fill(part); err != nil {
		return err
	}
	f, err := os.Open(part)
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	err = errors.Join(f.Chmod(0o444), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// Place puts a cached file at path: as a hard link where the file systems allow it, else as a copy.
func Place(cached, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	a, errA := os.Stat(cached)
	b, errB := os.Stat(path)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return nil
	}
	part := path + ".part"
	os.Remove(part)
	if err := os.Link(cached, part); err != nil {
		b, err := os.ReadFile(cached)
		if err != nil {
			return err
		}
		if err := os.WriteFile(part, b, 0o444); err != nil {
			return err
		}
	}
	return os.Rename(part, path)
}
