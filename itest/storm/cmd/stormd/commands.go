package main

import (
	"fmt"
	"strconv"
	"strings"

	"aramid/itest/storm"
	"aramid/ukernel/uabi"
)

// command executes one line.
func (p *program) command(f []string) (string, error) {
	if len(f) == 0 {
		return "", fmt.Errorf("an empty command")
	}
	var n [3]uint64
	for i, s := range f[1:] {
		v, err := strconv.ParseUint(s, 10, 64)
		if err != nil || i == len(n) {
			return "", fmt.Errorf("%v: argument %d: %v", f, i+1, err)
		}
		n[i] = v
	}
	switch f[0] {
	case "storm":
		jobs := make([]func(c *storm.Client) error, n[0])
		for i := range jobs {
			jobs[i] = func(c *storm.Client) error { return c.Run(int(n[1])) }
		}
		return "", p.run(n[2], jobs...)
	case "pair":
		return "", p.run(n[1], func(c *storm.Client) error { return c.Produce("shared", n[0]) },
			func(c *storm.Client) error { return c.Consume("shared", n[0]) })
	case "poison":
		return "", p.run(1, func(c *storm.Client) error {
			if err := c.Poison(n[0]); err != nil {
				return err
			}
			return c.Run(0)
		})
	case "check":
		return "", p.check()
	case "calls":
		return strconv.FormatUint(p.sum().Calls, 10), nil
	case "operations":
		return p.operations()
	case "fill":
		var err error
		p.fill, err = p.main.Fill("filled", int(n[0]))
		return "", err
	case "drop":
		return "", p.fill.Drop()
	case "gap":
		ns, err := p.fill.Gap(n[0] * 1e6)
		return strconv.FormatUint(ns/1e3, 10), err
	case "info":
		return p.info()
	case "limits":
		return p.limits()
	case "eat":
		return p.eat()
	case "spit":
		return "", errorOf("close", p.k.Close(p.food))
	}
	return "", fmt.Errorf("no command is called %s", f[0])
}

// errorOf is err with what failed, or nil.
func errorOf(what string, err uabi.Error) error {
	if err == uabi.OK {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// operations is version 2's counter and what the clients did, or "none" for version 1.
func (p *program) operations() (string, error) {
	n, err := p.main.Operations()
	switch err {
	case uabi.OK:
		return fmt.Sprintf("%d %d", n, p.sum().Operations), nil
	case uabi.ErrUnsupported:
		return "none", nil
	}
	return "", err
}

// info is the counters that must come back to where they were, by name.
func (p *program) info() (string, error) {
	var s uabi.SystemInfo
	if err := p.k.SystemInfo(&s); err != uabi.OK {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "handles=%d free=%d kernel=%d", s.Handles, s.FramesFree, s.KernelFrames)
	for t, n := range s.Objects {
		fmt.Fprintf(&b, " type%d=%d", t, n)
	}
	return b.String(), nil
}
