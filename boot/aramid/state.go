package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// stateRoot holds one folder per running machine: log, control socket, root.
func stateRoot() string { return filepath.Join(os.TempDir(), "aramid-"+strconv.Itoa(os.Getuid())) }

func newStateDir(name string) (string, error) {
	if name == "" {
		name = strconv.Itoa(os.Getpid())
	}
	dir := filepath.Join(stateRoot(), name)
	if err := os.MkdirAll(stateRoot(), 0o700); err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		if os.IsExist(err) {
			return "", fmt.Errorf("a machine named %s is there already (%s)", name, dir)
		}
		return "", err
	}
	return dir, nil
}

// findMachine gives the folder of the machine called name or, without a name, of the one started last.
func findMachine(name string) (string, error) {
	if name != "" {
		dir := filepath.Join(stateRoot(), name)
		if _, err := os.Stat(filepath.Join(dir, "control")); err != nil {
			return "", fmt.Errorf("no machine named %s runs", name)
		}
		return dir, nil
	}
	all, err := filepath.Glob(filepath.Join(stateRoot(), "*", "control"))
	if err != nil || len(all) == 0 {
		return "", fmt.Errorf("no machine runs; start one with `aramid run`")
	}
	best, when := "", time.Time{}
	for _, c := range all {
		if st, err := os.Stat(c); err == nil && st.ModTime().After(when) {
			best, when = filepath.Dir(c), st.ModTime()
		}
	}
	return best, nil
}
