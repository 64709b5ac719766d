package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"aramid/proto/root"
	"aramid/proto/script"
	"aramid/ukernel/uabi"
)

// protoScript is `aramid proto`: a protocol script against a server of a running machine or, with --host, alone on the simulated kernel.
func protoScript(args []string) int {
	for i, a := range args {
		if a == "--host" || a == "-host" {
			return onHost(append(append([]string{}, args[:i]...), args[i+1:]...))
		}
	}
	return withMachine("proto", args, 2, 2, func(m *machine, a []string) error {
		text, err := os.ReadFile(a[1])
		if err != nil {
			return err
		}
		methods := script.Methods(a[0])
		if methods == nil {
			return fmt.Errorf("%s has no protocol; mmd, procd, vfsd and netd have", a[0])
		}
		// What an interrupted script left open goes first, and what this one opens afterwards.
		if _, err := m.callServer(&root.CallRequest{Server: a[0], Fresh: true}); err != nil {
			return err
		}
		run := &script.Script{Methods: methods, Call: func(q *script.Request) (*script.Reply, error) {
			out, err := m.callServer(&root.CallRequest{Server: a[0], Method: q.Method, Target: uint32(q.Target), Body: q.Body, Give: q.Give, Take: q.Take})
			if err != nil {
				return nil, err
			}
			return &script.Reply{Status: uabi.Error(out.Status), Body: out.Body, Data: out.Data, Values: out.Values}, nil
		}}
		err = run.Run(string(text), func(line string) { fmt.Println(line) })
		if err != nil {
			err = fmt.Errorf("%s: %w", a[1], err)
		}
		_, last := m.callServer(&root.CallRequest{Server: a[0], Fresh: true})
		return errors.Join(err, last)
	})
}

func (m *machine) callServer(in *root.CallRequest) (*root.CallReply, error) {
	out := &root.CallReply{}
	return out, m.call(root.MethodCall, in, out, nil)
}

// oneScript is servertest.OneScript.
const oneScript = "ARAMID_SCRIPT"

// onHost runs the script in the server's tests, which have its handlers and a simulated kernel; it needs the source and Go.
func onHost(args []string) int {
	f := flag.NewFlagSet("aramid proto --host", flag.ContinueOnError)
	if err := f.Parse(args); err != nil || f.NArg() != 2 {
		usage(os.Stderr)
		return statusUsage
	}
	file, err := filepath.Abs(f.Arg(1))
	if err != nil {
		return fail(1, "%v", err)
	}
	cmd := exec.Command("go", "test", "-count=1", "-v", "-run", "^TestScriptsHoldAtEveryCrash$", "aramid/servers/"+f.Arg(0))
	cmd.Env = append(os.Environ(), oneScript+"="+file)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fail(1, "%v", err)
	}
	return 0
}
