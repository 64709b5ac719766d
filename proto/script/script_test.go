package script

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// vfsd answers calls in tests.
type vfsd struct {
	t     *testing.T
	asked []Request
}

func (v *vfsd) call(q *Request) (*Reply, error) {
	v.asked = append(v.asked, *q)
	switch q.Method {
	case vfs.MethodOpen:
		var in vfs.OpenRequest
		if err := proto.Unmarshal(q.Body, &in); err != nil {
			v.t.Fatal(err)
		}
		if in.Path != "/a" {
			return &Reply{Status: uabi.ErrNotFound}, nil
		}
		return v.reply(&vfs.OpenReply{File: 70, Kind: 1}, 70), nil
	case vfs.MethodStatAt:
		return v.reply(&vfs.Stat{Ino: 9, Size: 5}), nil
	case vfs.MethodRead:
		r := v.reply(&vfs.CountReply{Count: 5}, 5)
		r.Data = []byte("hello\x00\x00")
		return r, nil
	}
	return &Reply{Status: uabi.OK}, nil
}

func (v *vfsd) reply(m proto.Message, values ...uint64) *Reply {
	b, err := proto.Marshal(m)
	if err != nil {
		v.t.Fatal(err)
	}
	return &Reply{Status: uabi.OK, Body: b, Values: values}
}

func TestLinesAreSentAndTheirAnswersCompared(t *testing.T) {
	v := &vfsd{t: t}
	s := &Script{Methods: Methods("vfsd"), Call: v.call}
	told := 0
	err := s.Run(`# a comment

f = Open path:"/a" flags:2 -> kind:1
StatAt path:"/a" dir:$f -> ino:9 size:5
n = Read @f offset:0 <"in\n" >7 -> "hello"
Read @f offset:$n -> count:$n
Open path:"none" -> not found
Open path:"/a"
close f
`, func(string) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	var in vfs.PathRequest
	if err := proto.Unmarshal(v.asked[1].Body, &in); err != nil || in.Dir != 70 {
		t.Errorf("%v %v", &in, err)
	}
	if q := v.asked[2]; q.Target != 70 || string(q.Give) != "in\n" || q.Take != 7 {
		t.Errorf("%+v", q)
	}
	if q := v.asked[6]; q.Target != 70 || q.Method != 0 {
		t.Errorf("a handle without a name was not closed: %+v", q)
	}
	if q := v.asked[7]; q.Target != 70 || q.Method != 0 || told != 7 {
		t.Errorf("%+v, %d lines", q, told)
	}
}

func TestADifferenceIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"\nOpen path:\"x\"":             "line 2: Open path:\"x\": not found",
		"Open path:\"/a\" -> not found": "line 1:",
		"StatAt -> size:6":              "size:5",
		"Read >9 -> \"other\"":          `"hello`,
		"Nothing":                       "no method is called Nothing",
		"Read @g":                       "nothing is named g",
		"Read offset:$g":                "nothing is named g",
		"close g":                       "nothing is named g",
		"StatAt nofield:1":              "nofield",
		"StatAt -> nofield:1":           "nofield",
		"a b c = Open path:\"/a\"":      "the reply has 1 values",
		"???":                           "no line of a script",
	} {
		s := &Script{Methods: Methods("vfsd"), Call: (&vfsd{t: t}).call}
		if err := s.Run(text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestEachServerHasItsMethods(t *testing.T) {
	for server, method := range map[string]string{"mmd": "Map", "procd": "Spawn", "vfsd": "Open", "netd": "Pair"} {
		s := &Script{Methods: Methods(server)}
		if _, ok := s.number(method); !ok {
			t.Errorf("%s has no %s", server, method)
		}
	}
	if Methods("rootd") != nil {
		t.Error("rootd has a protocol")
	}
}
