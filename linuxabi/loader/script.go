package loader

import "strings"

// ScriptHead is how many bytes of a script Linux looks at (BINPRM_BUF_SIZE).
const ScriptHead = 256

// Script splits a "#!" line (execve(2), "Interpreter scripts"): the interpreter and its one optional argument. ok is false
// when head does not begin one, or names no interpreter within ScriptHead bytes. As in Linux a line of blanks that does not end names
// the empty path.
func Script(head []byte) (interp, arg string, ok bool) {
	if len(head) < 2 || head[0] != '#' || head[1] != '!' {
		return "", "", false
	}
	line, _, ended := strings.Cut(string(head[2:]), "\n")
	if !ended && len(head) >= ScriptHead && !strings.ContainsAny(strings.TrimLeft(line, " \t"), " \t\x00") {
		return "", "", false // the interpreter's name may be cut
	}
	line = strings.Trim(line, " \t")
	if line == "" {
		return "", "", !ended && len(head) < ScriptHead
	}
	interp, _, _ = strings.Cut(line, "\x00")
	if i := strings.IndexAny(interp, " \t"); i >= 0 {
		arg = strings.Trim(interp[i:], " \t")
		interp = interp[:i]
	}
	return interp, arg, true
}
