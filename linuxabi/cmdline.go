package main

import (
	"net/url"
	"strings"

	"aramid/linuxabi/calls"
)

// ours begins the words that are for Aramid's processes.
const ours = "aramid."

// bootLine is the kernel command line as linuxabi sees it (docs/boot.md): words before the first of ours are the kernel's; of the rest, what is not ours
// is for process 1.
type bootLine struct {
	ours map[string]string // the value of the last aramid.NAME=VALUE
	init []string          // Linux's words, in order
}

// parseLine splits the command line into words as Linux does (lib/cmdline.c, next_arg): at blanks that are not between double quotes.
func parseLine(text string) bootLine {
	b := bootLine{ours: map[string]string{}}
	for _, w := range words(text) {
		if strings.HasPrefix(w, ours) {
			name, v, _ := strings.Cut(w, "=")
			b.ours[name] = v
		} else if len(b.ours) > 0 {
			b.init = append(b.init, w)
		}
	}
	return b
}

func words(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == ' ' || r == '\t' || r == '\n')
	})
}

// linuxWords are the parameters that a Linux kernel takes for itself though its boot loader's users write them for others to read: init gets to see
// them in /proc/cmdline only (kernel-parameters.txt).
var linuxWords = map[string]bool{
	"console": true, "debug": true, "init": true, "loglevel": true, "norandmaps": true, "panic": true, "quiet": true, "rdinit": true, "ro": true, "root": true,
	"rootdelay": true, "rootflags": true, "rootfstype": true, "rootwait": true, "rw": true,
}

// forInit are init's arguments and environment out of Linux's words, and the program that init= names (init/main.c, unknown_bootoption and
// set_init_arg): NAME=VALUE goes into the environment, a word alone is an argument, what has a dot in its name is a module's and goes nowhere, and
// behind "--" everything is an argument.
func forInit(words []string) (program string, args, env []string) {
	for i, w := range words {
		if w == "--" {
			for _, w := range words[i+1:] {
				args = append(args, unquote(w))
			}
			break
		}
		name, value, isSet := strings.Cut(w, "=")
		switch {
		case name == "init" && isSet:
			program, args = unquote(value), nil // arguments before init= were not for this program
		case linuxWords[name], strings.Contains(name, "."):
		case isSet:
			env = merge(env, []string{name + "=" + unquote(value)})
		default:
			args = append(args, unquote(w))
		}
	}
	return program, args, env
}

// unquote takes the double quotes around a word or a value away.
func unquote(s string) string { return strings.TrimSuffix(strings.TrimPrefix(s, `"`), `"`) }

// defaultPath is where a program without a slash is looked for (docker run's PATH).
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// inits are where Linux looks for init (init/main.c, kernel_init).
var inits = []string{"/sbin/init", "/etc/init", "/bin/init", "/bin/sh"}

// process1 says what to start: aramid.init= as in a container, else init as Linux starts it. aramid.env= adds to the environment of either.
func process1(b bootLine) calls.Init {
	more := list(b.ours["aramid.env"])
	if argv := list(b.ours["aramid.init"]); len(argv) > 0 {
		return calls.Init{Argv: argv, Search: true, Env: merge([]string{defaultPath, "HOME=/root", "TERM=linux", "HOSTNAME=aramid"}, more)}
	}
	program, args, env := forInit(b.init)
	files := inits
	if program != "" {
		files = []string{program}
	}
	return calls.Init{Argv: append([]string{files[0]}, args...), Else: files[1:], Env: merge(merge([]string{"HOME=/", "TERM=linux"}, env), more)}
}

// merge adds variables to base; those of more win.
func merge(base, more []string) []string {
	out := []string{}
	for _, b := range base {
		name, _, _ := strings.Cut(b, "=")
		taken := false
		for _, m := range more {
			taken = taken || strings.HasPrefix(m, name+"=")
		}
		if !taken {
			out = append(out, b)
		}
	}
	return append(out, more...)
}

// list decodes a percent-encoded, comma-separated list (docs/servers.md).
func list(s string) (out []string) {
	if s == "" {
		return nil
	}
	for w := range strings.SplitSeq(s, ",") {
		v, err := url.PathUnescape(w)
		if err != nil {
			v = w
		}
		out = append(out, v)
	}
	return out
}
