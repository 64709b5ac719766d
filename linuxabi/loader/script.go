package loader

import "strings"

// ScriptHead is how many bytes of a script Linux looks at (BINPRM_BUF_SIZE).
const ScriptHead = 256

// Script splits a "#!" line (execve(2), "Interpreter scripts"): the interpreter and its one optional argument. ok is false
// when head does not begin one, or names no interpreter within ScriptHead bytes.
func Script(head []byte) (interp, arg string, ok bool) {
	if len(head) < 2 || head[0] != '#' || head[1] != '!' {
		return "", "", false
	}
	line := string(head[2:])
	if i := strings.IndexAny(line, "\n\x00"); i >= 0 {
		line = line[:i]
	} else if len(head) >= ScriptHead && !strings.ContainsAny(strings.TrimLeft(line, " \t"), " \t") {
		return "", "", false // the interpreter's name may be cut
	}
	line = strings.Trim(line, " \t")
	interp, arg, _ = strings.Cut(line, " ")
	if i := strings.IndexByte(interp, '\t'); i >= 0 {
		interp, arg = line[:i], line[i+1:]
	}
	return interp, strings.Trim(arg, " \t"), interp != ""
}
