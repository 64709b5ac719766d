package procfs

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is a resource limit.
type Limit struct{ Soft, Hard uint64 }

// LimitNames are the names and units of /proc/PID/limits, by RLIMIT_*.
var LimitNames = [...][2]string{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
	{"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"}, {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

// LimitsText is /proc/PID/limits.
func LimitsText(limits []Limit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	for i, l := range limits {
		fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", LimitNames[i][0], limitText(l.Soft), limitText(l.Hard), LimitNames[i][1])
	}
	return b.String()
}

func limitText(v uint64) string {
	if v == 1<<64-1 {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}
