package abi

import "strconv"

// Calls is one more than the highest system call number that has a name.
const Calls = len(names)

// Name is the name of system call nr, or "syscall_NR" where Linux has none.
func Name(nr uint64) string {
	if nr < uint64(len(names)) && names[nr] != "" {
		return names[nr]
	}
	return "syscall_" + strconv.FormatUint(nr, 10)
}

// Known reports whether Linux has a system call of that number.
func Known(nr uint64) bool { return nr < uint64(len(names)) && names[nr] != "" }
