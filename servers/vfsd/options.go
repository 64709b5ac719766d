package main

import (
	"fmt"
	"strconv"
	"strings"
)

// tmpfsOptions are mount options of tmpfs(5). Limits are 0 where there is none.
type tmpfsOptions struct {
	mode, uid, gid uint32
	size, inodes   uint64 // bytes; files and directories
}

// defaultMode is a tmpfs's root's.
const defaultMode = 0o1777

// defaultSize and defaultInodes are a tmpfs's limits when its options name none: half of the memory, and a file for each of its pages.
func (m Machine) defaultSize() uint64   { return m.Memory / 2 / pageSize * pageSize }
func (m Machine) defaultInodes() uint64 { return m.Memory / 2 / pageSize }

func (m Machine) tmpfs() tmpfsOptions {
	return tmpfsOptions{mode: defaultMode, size: m.defaultSize(), inodes: m.defaultInodes()}
}

// set changes the options that data names. false: one is unknown or has a bad value.
func (o *tmpfsOptions) set(data string, m Machine) bool {
	for f := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(f, "=")
		if !o.option(name, value, m) {
			return false
		}
	}
	return true
}

func (o *tmpfsOptions) option(name, value string, m Machine) bool {
	switch name {
	case "":
		return true
	case "mode":
		return parse32(value, 8, &o.mode) && o.mode <= 0o7777
	case "uid":
		return parse32(value, 10, &o.uid)
	case "gid":
		return parse32(value, 10, &o.gid)
	case "size":
		v, ok := parseSize(strings.TrimSuffix(value, "%"))
		if strings.HasSuffix(value, "%") {
			v = m.Memory / 100 * v
		}
		o.size = (v + pageSize - 1) / pageSize * pageSize
		return ok
	case "nr_blocks":
		v, ok := parseSize(value)
		o.size = v * pageSize
		return ok
	case "nr_inodes":
		v, ok := parseSize(value)
		o.inodes = v
		return ok
	case "huge", "mpol", "inode32", "inode64":
		return true // how memory is laid out and numbers are given
	}
	return false
}

func parse32(s string, base int, v *uint32) bool {
	n, err := strconv.ParseUint(s, base, 32)
	*v = uint32(n)
	return err == nil
}

// parseSize reads a number with a unit k, m or g.
func parseSize(s string) (uint64, bool) {
	unit := uint64(1)
	switch {
	case strings.HasSuffix(strings.ToLower(s), "k"):
		unit = 1 << 10
	case strings.HasSuffix(strings.ToLower(s), "m"):
		unit = 1 << 20
	case strings.HasSuffix(strings.ToLower(s), "g"):
		unit = 1 << 30
	}
	if unit > 1 {
		s = s[:len(s)-1]
	}
	v, err := strconv.ParseUint(s, 0, 32)
	return v * unit, err == nil
}

// text is what /proc/mounts shows of them, each with a comma before it (Linux's shmem_show_options).
func (o *tmpfsOptions) text(m Machine) string {
	var b strings.Builder
	if o.size != m.defaultSize() {
		fmt.Fprintf(&b, ",size=%dk", o.size>>10)
	}
	if o.inodes != m.defaultInodes() {
		fmt.Fprintf(&b, ",nr_inodes=%d", o.inodes)
	}
	if o.mode != defaultMode {
		fmt.Fprintf(&b, ",mode=%03o", o.mode)
	}
	if o.uid != 0 {
		fmt.Fprintf(&b, ",uid=%d", o.uid)
	}
	if o.gid != 0 {
		fmt.Fprintf(&b, ",gid=%d", o.gid)
	}
	return b.String() + ",inode64"
}
