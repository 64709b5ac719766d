package servertest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Script runs protocol scripts, lines of protobuf text, against a server:
//
//	f = Open path:"/tmp/a" flags:0x42 mode:0600     names the handles of the reply; of a reply without any, its first word
//	Write @f <"hello" -> count:5                    on a handle, with a grant of bytes; fields that the reply must have
//	Read @f >5 -> "hello"                           with a grant to be filled, and what it must hold
//	Open path:"/absent" -> not found                the error in uabi's words
//	Lock @f file:$g                                 handles and numbers in a request
//	close f
//	# a comment
type Script struct {
	Methods []ipc.Method
	Plain   uabi.Handle // called without @
	Close   func(uabi.Handle)
	Fail    func(format string, args ...any)

	vars  map[string]uint64
	grant []byte // what was granted last: on the heap, as uk.Grant wants it
}

var (
	scriptLine = regexp.MustCompile(`^(?:([\w ]+?) = )?(\w+)(?: @(\w+))?(.*?)(?: -> (.*))?$`)
	scriptVar  = regexp.MustCompile(`\$(\w+)`)
	grantOut   = regexp.MustCompile(` <("(?:[^"\\]|\\.)*")`)
	grantIn    = regexp.MustCompile(` >(\d+)`)
)

// Run runs a script line by line.
func (s *Script) Run(c ipc.Caller, text string) {
	for l := range strings.Lines(text) {
		s.Line(c, strings.TrimSpace(l))
	}
}

// Line runs one line.
func (s *Script) Line(c ipc.Caller, l string) {
	if l == "" || strings.HasPrefix(l, "#") {
		return
	}
	if s.vars == nil {
		s.vars = map[string]uint64{}
	}
	if f := strings.Fields(l); f[0] == "close" {
		for _, v := range f[1:] {
			s.Close(uabi.Handle(s.vars[v]))
		}
		return
	}
	m := scriptLine.FindStringSubmatch(l)
	if m == nil {
		s.Fail("no line of a script: %s", l)
		return
	}
	names, method, target, fields, want := strings.Fields(m[1]), m[2], m[3], m[4], m[5]
	h := s.Plain
	if target != "" {
		h = uabi.Handle(s.vars[target])
	}
	n, ok := s.number(method)
	if !ok {
		s.Fail("no method: %s", l)
		return
	}
	grants, fields := s.grants(fields)
	out, err := s.call(c, n, h, s.expand(fields), grants, names)
	if problem := s.differs(out, err, want); problem != "" {
		s.Fail("%s: %s", l, problem)
	}
}

func (s *Script) number(name string) (uint32, bool) {
	for i := range s.Methods {
		if s.Methods[i].Name == name {
			return uint32(i) + 1, true
		}
	}
	return 0, false
}

func (s *Script) expand(fields string) string {
	return scriptVar.ReplaceAllStringFunc(fields, func(v string) string { return strconv.FormatUint(s.vars[v[1:]], 10) })
}

// grants takes the grant out of a line's fields.
func (s *Script) grants(fields string) ([]uabi.Grant, string) {
	s.grant = nil
	if m := grantOut.FindStringSubmatch(fields); m != nil {
		text, _ := strconv.Unquote(m[1])
		s.grant = append(make([]byte, 0, len(text)+1), text...)
		return []uabi.Grant{uk.Grant(s.grant, uabi.RightRead)}, strings.Replace(fields, m[0], "", 1)
	}
	if m := grantIn.FindStringSubmatch(fields); m != nil {
		n, _ := strconv.Atoi(m[1])
		s.grant = make([]byte, n)
		return []uabi.Grant{uk.Grant(s.grant, uabi.RightWrite)}, strings.Replace(fields, m[0], "", 1)
	}
	return nil, fields
}

// call is a generated client's method, by number.
func (s *Script) call(c ipc.Caller, n uint32, h uabi.Handle, fields string, grants []uabi.Grant, names []string) (ipc.Message, uabi.Error) {
	m := &s.Methods[n-1]
	in, out := m.NewIn(), m.NewOut()
	if err := prototext.Unmarshal([]byte(fields), in.(proto.Message)); err != nil {
		s.Fail("%s %s: %v", m.Name, fields, err)
	}
	b := c.Buffer()
	msg := b.Out
	msg.Len = 0
	if m.In == ipc.Bytes {
		size := in.SizeVT()
		in.MarshalToSizedBufferVT(b.OutBytes[:size])
		msg.Len = uint32(size)
	} else {
		in.ToWords(&msg.W)
	}
	in.ToHandles(&msg.Handle)
	msg.NHandles = uint32(m.InHandles)
	ipc.SetGrants(msg, grants)
	err := c.Exchange(h, n, m.Mutates)
	if err == uabi.ErrWait {
		s.Close(c.LastWait().Event)
	}
	if err != uabi.OK {
		return out, err
	}
	if m.Out == ipc.Bytes {
		if e := out.UnmarshalVTUnsafe(append([]byte{}, b.OutBytes[:msg.Len]...)); e != nil {
			s.Fail("%s: %v", m.Name, e)
		}
	} else {
		out.FromWords(&msg.W)
	}
	ipc.AbsentHandles(msg, m.OutHandles)
	out.FromHandles(&msg.Handle)
	for i, name := range names {
		if m.OutHandles == 0 {
			s.vars[name] = msg.W[i]
		} else {
			s.vars[name] = uint64(msg.Handle[i])
		}
	}
	for i := len(names); i < m.OutHandles; i++ {
		if msg.Handle[i] != 0 {
			s.Close(msg.Handle[i])
		}
	}
	return out, uabi.OK
}

// differs says how an answer is not as a line wants it.
func (s *Script) differs(out ipc.Message, err uabi.Error, want string) string {
	want = s.expand(want)
	switch {
	case strings.HasPrefix(want, `"`):
		text, _ := strconv.Unquote(want)
		if got := string(s.grant); err != uabi.OK || strings.TrimRight(got, "\x00") != text {
			return fmt.Sprintf("%q, %v", got, err)
		}
		return ""
	case err != uabi.OK || isError(want):
		if want == "" || err.Error() != want {
			return err.Error()
		}
		return ""
	}
	return lacks(out.(proto.Message), want)
}

func isError(words string) bool {
	for e := uabi.OK + 1; e.Error() != "unknown error"; e++ {
		if e.Error() == words {
			return true
		}
	}
	return false
}

// lacks says which fields of a reply are not as wanted.
func lacks(out proto.Message, want string) (problem string) {
	w := out.ProtoReflect().New().Interface()
	if err := prototext.Unmarshal([]byte(want), w); err != nil {
		return err.Error()
	}
	w.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if got := out.ProtoReflect().Get(f); !got.Equal(v) {
			problem = fmt.Sprintf("%s is %v", f.Name(), got)
		}
		return problem == ""
	})
	return problem
}
