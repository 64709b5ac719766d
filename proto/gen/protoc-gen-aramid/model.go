package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aramid/proto/options"
	"aramid/ukernel/uabi"
)

// message is a request or reply with its encoding decided.
type message struct {
	*protogen.Message
	handles []*protogen.Field
	words   []*protogen.Field // nil beside bytes
	bytes   bool
}

// classify decides a message's encoding and checks what no message may have.
func classify(m *protogen.Message) (*message, error) {
	out := &message{Message: m}
	for _, f := range m.Fields {
		switch {
		case isHandle(f):
			if f.Desc.Kind() != protoreflect.Uint32Kind || f.Desc.IsList() || f.Desc.HasPresence() {
				return nil, fmt.Errorf("%s: a handle is a plain uint32", f.Desc.FullName())
			}
			out.handles = append(out.handles, f)
		case scalar(f):
			out.words = append(out.words, f)
		default:
			out.bytes = true
		}
	}
	if len(out.handles) > uabi.MaxHandles {
		return nil, fmt.Errorf("%s: more than %d handles", m.Desc.FullName(), uabi.MaxHandles)
	}
	if len(out.words) > uabi.MaxWords {
		out.bytes = true
	}
	if out.bytes {
		out.words = nil
	}
	return out, nil
}

// orderly refuses maps.
func orderly(list []*protogen.Message) error {
	for _, m := range list {
		for _, f := range m.Fields {
			if f.Desc.IsMap() {
				return fmt.Errorf("%s: a map has no order, so snapshots and replies would differ from replay to replay", f.Desc.FullName())
			}
		}
		if err := orderly(m.Messages); err != nil {
			return err
		}
	}
	return nil
}

func isHandle(f *protogen.Field) bool {
	return proto.GetExtension(f.Desc.Options(), options.E_Handle).(bool)
}

// scalar reports whether the field can travel in a word.
func scalar(f *protogen.Field) bool {
	if f.Desc.IsList() || f.Desc.HasPresence() {
		return false
	}
	switch f.Desc.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return true
}

// method is an rpc with its rule.
type method struct {
	*protogen.Method
	rule    *options.Rule
	in, out *message
	number  int
}

// rules reads a service's methods.
func rules(f *protogen.File, s *protogen.Service, messages map[string]*message) ([]method, error) {
	var list []method
	first := firstNumber(s)
	for i, m := range s.Methods {
		rule := proto.GetExtension(m.Desc.Options(), options.E_Rule).(*options.Rule)
		if rule == nil {
			return nil, fmt.Errorf("%s: no rule", m.Desc.FullName())
		}
		in, out := messages[m.Input.GoIdent.GoName], messages[m.Output.GoIdent.GoName]
		switch {
		case m.Input.GoIdent.GoImportPath != f.GoImportPath || m.Output.GoIdent.GoImportPath != f.GoImportPath || in == nil || out == nil:
			return nil, fmt.Errorf("%s: request and reply must be declared in the service's own file", m.Desc.FullName())
		case m.Desc.IsStreamingClient() || m.Desc.IsStreamingServer():
			return nil, fmt.Errorf("%s: there are no streams", m.Desc.FullName())
		case rule.Forward && (out.bytes || len(out.handles) > 0):
			return nil, fmt.Errorf("%s: the reply of a forwarded method is words; word 0 is the call's result", m.Desc.FullName())
		}
		list = append(list, method{m, rule, in, out, first + i})
	}
	return list, nil
}

// firstNumber is the number of a service's first method.
func firstNumber(s *protogen.Service) int {
	return max(1, int(proto.GetExtension(s.Desc.Options(), options.E_First).(uint32)))
}

// used collects the messages of a file that its services name.
func used(f *protogen.File) (map[string]*message, []*message, error) {
	byName := map[string]*message{}
	want := map[string]bool{}
	for _, s := range f.Services {
		for _, m := range s.Methods {
			want[m.Input.GoIdent.GoName] = true
			want[m.Output.GoIdent.GoName] = true
		}
	}
	var list []*message
	for _, m := range f.Messages {
		if !want[m.GoIdent.GoName] {
			continue
		}
		c, err := classify(m)
		if err != nil {
			return nil, nil, err
		}
		byName[m.GoIdent.GoName] = c
		list = append(list, c)
	}
	return byName, list, nil
}
