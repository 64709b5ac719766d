package script

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
)

// Request is one call: Target is a handle of the caller, 0 for the server's plain endpoint; Body is protobuf. Give is what the server may read, Take the
// length of what it may write. Method 0 closes Target.
type Request struct {
	Target uabi.Handle
	Method uint32
	Body   []byte
	Give   []byte
	Take   uint32
}

// Reply is what came back: Body is protobuf, Data what the server may have written, Values the handles or, of a reply without any, its words.
type Reply struct {
	Status     uabi.Error
	Body, Data []byte
	Values     []uint64
}

// Script runs lines and knows the values that they named.
type Script struct {
	Methods []ipc.Method // of the server, by number − 1; those without a name are not there
	// Call makes one call; its error is a failure of the means, not of the server.
	Call func(*Request) (*Reply, error)

	values map[string]uint64
}

// Run runs a script up to the first line that is not answered as it wants. say, which may be nil, is told each line that was.
func (s *Script) Run(text string, say func(line string)) error {
	n := 0
	for l := range strings.Lines(text) {
		n++
		l = strings.TrimSpace(l)
		if err := s.Line(l); err != nil {
			return fmt.Errorf("line %d: %s: %w", n, l, err)
		}
		if say != nil && l != "" && l[0] != '#' {
			say(l)
		}
	}
	return nil
}

var (
	form     = regexp.MustCompile(`^(?:([\w ]+?) = )?(\w+)(?: @(\w+))?(.*?)(?: -> (.*))?$`)
	variable = regexp.MustCompile(`\$(\w+)`)
	giving   = regexp.MustCompile(` <("(?:[^"\\]|\\.)*")`)
	taking   = regexp.MustCompile(` >(\d+)`)
)

// line is a line taken apart.
type line struct {
	names          []string // of the reply's values
	method, target string
	fields, want   string // protobuf text
	give           []byte
	take           uint32
}

func parse(text string) (*line, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("no line of a script")
	}
	l := &line{names: strings.Fields(m[1]), method: m[2], target: m[3], fields: m[4], want: m[5]}
	if g := giving.FindStringSubmatch(l.fields); g != nil {
		text, err := strconv.Unquote(g[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g[1], err)
		}
		l.give, l.fields = []byte(text), strings.Replace(l.fields, g[0], "", 1)
	}
	if g := taking.FindStringSubmatch(l.fields); g != nil {
		n, err := strconv.ParseUint(g[1], 10, 24)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g[1], err)
		}
		l.take, l.fields = uint32(n), strings.Replace(l.fields, g[0], "", 1)
	}
	return l, nil
}

// Line runs one line; empty lines and comments are none.
func (s *Script) Line(text string) error {
	if text == "" || strings.HasPrefix(text, "#") {
		return nil
	}
	if s.values == nil {
		s.values = map[string]uint64{}
	}
	if names, ok := strings.CutPrefix(text, "close "); ok {
		return s.close(strings.Fields(names))
	}
	l, err := parse(text)
	if err != nil {
		return err
	}
	n, ok := s.number(l.method)
	if !ok {
		return fmt.Errorf("no method is called %s", l.method)
	}
	m := &s.Methods[n-1]
	q := &Request{Method: n, Give: l.give, Take: l.take}
	if l.target != "" {
		if q.Target, err = s.handle(l.target); err != nil {
			return err
		}
	}
	if q.Body, err = s.request(m, l.fields); err != nil {
		return err
	}
	rep, err := s.Call(q)
	if err != nil {
		return err
	}
	if err := s.name(m, l.names, rep); err != nil {
		return err
	}
	return s.compare(m, l.want, rep)
}

func (s *Script) close(names []string) error {
	for _, name := range names {
		h, err := s.handle(name)
		if err != nil {
			return err
		}
		if _, err := s.Call(&Request{Target: h}); err != nil {
			return err
		}
	}
	return nil
}

// value is that of a name.
func (s *Script) value(name string) (uint64, error) {
	v, ok := s.values[name]
	if !ok {
		return 0, fmt.Errorf("nothing is named %s", name)
	}
	return v, nil
}

func (s *Script) handle(name string) (uabi.Handle, error) {
	v, err := s.value(name)
	return uabi.Handle(v), err
}

func (s *Script) number(name string) (uint32, bool) {
	for i := range s.Methods {
		if s.Methods[i].Name == name {
			return uint32(i) + 1, true
		}
	}
	return 0, false
}

// expand puts values in the place of their names.
func (s *Script) expand(text string) (string, error) {
	var err error
	out := variable.ReplaceAllStringFunc(text, func(v string) string {
		n, e := s.value(v[1:])
		if e != nil {
			err = e
		}
		return strconv.FormatUint(n, 10)
	})
	return out, err
}

// request encodes a request's fields.
func (s *Script) request(m *ipc.Method, fields string) ([]byte, error) {
	fields, err := s.expand(fields)
	if err != nil {
		return nil, err
	}
	in := m.NewIn().(proto.Message)
	if err := prototext.Unmarshal([]byte(fields), in); err != nil {
		return nil, err
	}
	return proto.Marshal(in)
}

// name gives names to a reply's values and closes the handles that get none.
func (s *Script) name(m *ipc.Method, names []string, rep *Reply) error {
	if rep.Status != uabi.OK {
		return nil
	}
	if len(names) > len(rep.Values) {
		return fmt.Errorf("the reply has %d values", len(rep.Values))
	}
	for i, n := range names {
		s.values[n] = rep.Values[i]
	}
	for i := len(names); i < min(m.OutHandles, len(rep.Values)); i++ {
		if rep.Values[i] == 0 {
			continue
		}
		if _, err := s.Call(&Request{Target: uabi.Handle(rep.Values[i])}); err != nil {
			return err
		}
	}
	return nil
}

// compare says how an answer is not as a line wants it.
func (s *Script) compare(m *ipc.Method, want string, rep *Reply) error {
	if strings.HasPrefix(want, `"`) {
		text, err := strconv.Unquote(want)
		if err != nil {
			return fmt.Errorf("%s: %w", want, err)
		}
		if rep.Status != uabi.OK || string(bytes.TrimRight(rep.Data, "\x00")) != text {
			return fmt.Errorf("%q, %w", rep.Data, rep.Status)
		}
		return nil
	}
	if rep.Status != uabi.OK || isError(want) {
		if want != rep.Status.Error() {
			return rep.Status
		}
		return nil
	}
	want, err := s.expand(want)
	if err != nil {
		return err
	}
	return lacks(m, want, rep.Body)
}

func isError(words string) bool {
	for e := uabi.OK + 1; e.Error() != "unknown error"; e++ {
		if e.Error() == words {
			return true
		}
	}
	return false
}

// lacks says which field of a reply is not as wanted.
func lacks(m *ipc.Method, want string, body []byte) error {
	w, out := m.NewOut().(proto.Message), m.NewOut().(proto.Message)
	if err := prototext.Unmarshal([]byte(want), w); err != nil {
		return err
	}
	if err := proto.Unmarshal(body, out); err != nil {
		return err
	}
	got := out.ProtoReflect()
	for f, v := range w.ProtoReflect().Range {
		g := got.Get(f)
		if g.Equal(v) {
			continue
		}
		if !got.Has(f) {
			return fmt.Errorf("%s is 0 or empty", f.Name())
		}
		one := got.New() // prints as text, whatever the field's kind
		one.Set(f, g)
		return fmt.Errorf("the reply has %v", one.Interface())
	}
	return nil
}
