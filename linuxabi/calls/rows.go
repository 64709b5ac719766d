package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
)

// String is the level's name.
func (l Level) String() string { return [...]string{"absent", "partial", "full"}[l] }

// Row describes a row of the table to tests and documents.
type Row struct {
	Nr    int
	Name  string
	Level Level
	Errno unix.Errno // of an absent one
	Gap   string     // of a partial one
}

// Rows are the system calls that are not plainly absent, by number.
func Rows() []Row {
	var all []Row
	for nr := range table {
		if r, ok := rows[nr]; ok {
			all = append(all, Row{nr, abi.Name(uint64(nr)), r.level, r.errno, r.gap})
		}
	}
	return all
}
