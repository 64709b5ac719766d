package main

import (
	"strconv"
	"strings"
)

// tmpfsOptions are mount options of tmpfs(5); unknown ones are ignored, and limits of inodes with them.
type tmpfsOptions struct {
	mode, uid, gid uint32
	size           uint64
}

func parseTmpfs(data string) tmpfsOptions {
	o := tmpfsOptions{mode: 0o1777, size: defaultTmpfs}
	for f := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "mode":
			if v, err := strconv.ParseUint(value, 8, 12); err == nil {
				o.mode = uint32(v)
			}
		case "uid":
			if v, err := strconv.ParseUint(value, 10, 32); err == nil {
				o.uid = uint32(v)
			}
		case "gid":
			if v, err := strconv.ParseUint(value, 10, 32); err == nil {
				o.gid = uint32(v)
			}
		case "size":
			o.size = parseSize(value)
		}
	}
	return o
}

// parseSize reads a number with a unit k, m or g, or a percentage of the default.
func parseSize(s string) uint64 {
	unit, percent := uint64(1), false
	switch {
	case strings.HasSuffix(s, "%"):
		percent = true
	case strings.HasSuffix(strings.ToLower(s), "k"):
		unit = 1 << 10
	case strings.HasSuffix(strings.ToLower(s), "m"):
		unit = 1 << 20
	case strings.HasSuffix(strings.ToLower(s), "g"):
		unit = 1 << 30
	}
	v, err := strconv.ParseUint(strings.TrimRight(s, "%kKmMgG"), 10, 32)
	switch {
	case err != nil || v == 0:
		return defaultTmpfs
	case percent:
		return defaultTmpfs / 50 * v // the default is half of what a percentage is of
	}
	return v * unit
}
