package cgroupfs

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"aramid/ukernel/uabi"
)

// Unlimited is what "max" means to procd; MaxGroups what it means for depth and descendants.
const (
	Unlimited = math.MaxUint64
	MaxGroups = math.MaxInt32
)

// maxPids is the largest number that pids.max takes (PID_MAX_LIMIT of 64-bit Linux).
const maxPids = 1 << 22

// Number parses as Linux's kstrtoint and kstrtoll do with base 0: a sign, then decimal, 0x… or 0…; bits is the size of the result.
func Number(s string, bits int) (int64, uabi.Error) {
	sign, digits := int64(1), s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
		if s[0] == '-' {
			sign = -1
		}
	}
	base := 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	v, err := strconv.ParseUint(digits, base, bits-1)
	if err == nil {
		return sign * int64(v), uabi.OK
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, uabi.ErrRange
	}
	return 0, uabi.ErrArg
}

// PID parses what is written to cgroup.procs: 0 is the writer.
func PID(s string) (int32, uabi.Error) {
	v, err := Number(s, 32)
	if err != uabi.OK || v < 0 {
		return 0, uabi.ErrArg
	}
	return int32(v), uabi.OK
}

// Switch parses what is written to cgroup.freeze.
func Switch(s string) (bool, uabi.Error) {
	v, err := Number(s, 32)
	if err == uabi.OK && v != 0 && v != 1 {
		err = uabi.ErrRange
	}
	return v == 1, err
}

// CheckKill checks what is written to cgroup.kill.
func CheckKill(s string) uabi.Error {
	v, err := Number(s, 32)
	if err == uabi.OK && v != 1 {
		err = uabi.ErrRange
	}
	return err
}

// Groups parses cgroup.max.depth and cgroup.max.descendants.
func Groups(s string) (uint32, uabi.Error) {
	if s == "max" {
		return MaxGroups, uabi.OK
	}
	v, err := Number(s, 32)
	if err == uabi.OK && v < 0 {
		err = uabi.ErrRange
	}
	return uint32(v), err
}

// GroupsText is the inverse of Groups.
func GroupsText(v uint32) string {
	if v == MaxGroups {
		return "max\n"
	}
	return strconv.FormatUint(uint64(v), 10) + "\n"
}

// Max parses pids.max.
func Max(s string) (uint64, uabi.Error) {
	if s == "max" {
		return Unlimited, uabi.OK
	}
	v, err := Number(s, 64)
	if err == uabi.OK && (v < 0 || v > maxPids) {
		err = uabi.ErrArg
	}
	return uint64(v), err
}

// MaxText is the inverse of Max.
func MaxText(v uint64) string {
	if v == Unlimited {
		return "max\n"
	}
	return strconv.FormatUint(v, 10) + "\n"
}

// Control parses what is written to cgroup.subtree_control: "+pids -cpu …"; of one controller the last word counts.
func Control(s string) (enable, disable Mask, err uabi.Error) {
	for word := range strings.SplitSeq(s, " ") {
		if word == "" {
			continue
		}
		m := controller(word[1:])
		switch {
		case m == 0:
			return 0, 0, uabi.ErrArg
		case word[0] == '+':
			enable, disable = enable|m, disable&^m
		case word[0] == '-':
			enable, disable = enable&^m, disable|m
		default:
			return 0, 0, uabi.ErrArg
		}
	}
	return enable, disable, uabi.OK
}

func controller(name string) Mask {
	for i, n := range controllerNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// MaskText is how cgroup.controllers and cgroup.subtree_control show a set.
func MaskText(m Mask) string {
	var names []string
	for i, n := range controllerNames {
		if m>>i&1 != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return ""
	}
	return strings.Join(names, " ") + "\n"
}

// ListText is cgroup.procs and cgroup.threads.
func ListText(ids []int32) string {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintln(&b, id)
	}
	return b.String()
}

// EventsText is cgroup.events.
func EventsText(populated, frozen bool) string {
	return fmt.Sprintf("populated %sfrozen %s", SwitchText(populated), SwitchText(frozen))
}

// SwitchText is cgroup.freeze.
func SwitchText(on bool) string {
	if on {
		return "1\n"
	}
	return "0\n"
}

// StatText is cgroup.stat.
func StatText(descendants, removed int) string {
	return fmt.Sprintf("nr_descendants %d\nnr_dying_descendants %d\n", descendants, removed)
}

// CPUStatText is cpu.stat, of ns.
func CPUStatText(user, system uint64) string {
	const us = 1000
	return fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec %d\n", (user+system)/us, user/us, system/us)
}

// PidsEventsText is pids.events.
func PidsEventsText(refused uint64) string { return fmt.Sprintf("max %d\n", refused) }

// SubsystemsText is /proc/cgroups.
func SubsystemsText(groups int) string {
	b := "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
	for _, n := range controllerNames {
		b += fmt.Sprintf("%s\t0\t%d\t1\n", n, groups)
	}
	return b
}

// DelegateText and FeaturesText are /sys/kernel/cgroup/delegate and features.
const (
	DelegateText = "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n"
	FeaturesText = "nsdelegate\nmemory_localevents\nmemory_recursiveprot\n"
)

// options of mount(2), in the order in which mount tables show them.
var options = []string{"nsdelegate", "memory_localevents", "memory_recursiveprot"}

// CheckOptions checks the data of mount(2).
func CheckOptions(data string) uabi.Error {
	for o := range strings.SplitSeq(data, ",") {
		if o != "" && !slices.Contains(options, o) {
			return uabi.ErrArg
		}
	}
	return uabi.OK
}

// OptionsText is how mount tables show good data, each option behind a comma.
func OptionsText(data string) string {
	b := ""
	for _, o := range options {
		if slices.Contains(strings.Split(data, ","), o) {
			b += "," + o
		}
	}
	return b
}
