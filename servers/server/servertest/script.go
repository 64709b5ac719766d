package servertest

import (
	"os"
	"path/filepath"
	"testing"

	"aramid/proto/ipc"
	"aramid/proto/script"
	"aramid/ukernel/uabi"
)

// Script runs protocol scripts (package script) in a process of a test.
type Script struct {
	Methods []ipc.Method
	Plain   uabi.Handle // called without @
	Close   func(uabi.Handle)
	Fail    func(format string, args ...any)

	lines *script.Script
	c     ipc.Caller
}

// Run runs a script.
func (s *Script) Run(c ipc.Caller, text string) {
	s.begin(c)
	if err := s.lines.Run(text, nil); err != nil {
		s.Fail("%v", err)
	}
}

// Line runs one line.
func (s *Script) Line(c ipc.Caller, l string) {
	s.begin(c)
	if err := s.lines.Line(l); err != nil {
		s.Fail("%s: %v", l, err)
	}
}

func (s *Script) begin(c ipc.Caller) {
	s.c = c
	if s.lines == nil {
		s.lines = &script.Script{Methods: s.Methods, Call: s.call}
	}
}

func (s *Script) call(q *script.Request) (*script.Reply, error) {
	if q.Method == 0 {
		s.Close(q.Target)
		return &script.Reply{}, nil
	}
	if q.Target == 0 {
		q.Target = s.Plain
	}
	rep := script.Do(s.c, &s.Methods[q.Method-1], q)
	if rep.Status == uabi.ErrWait {
		s.Close(s.c.LastWait().Event)
	}
	return rep, nil
}

// OneScript names, in the environment, the one file that Scripts gives (`aramid proto --host`).
const OneScript = "ARAMID_SCRIPT"

// Scripts are the scripts of a server's tests, by name: testdata/*.script.
func Scripts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.script")
	if one := os.Getenv(OneScript); one != "" {
		files = []string{one}
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(text)
	}
	return all
}
