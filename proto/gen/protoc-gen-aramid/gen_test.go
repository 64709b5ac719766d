package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"aramid/proto/options"
)

// field is one field of a test message.
func field(name string, n int32, t descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
	return &descriptorpb.FieldDescriptorProto{
		Name: proto.String(name), Number: proto.Int32(n), Type: t.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
}

func handleField(name string, n int32) *descriptorpb.FieldDescriptorProto {
	f := field(name, n, descriptorpb.FieldDescriptorProto_TYPE_UINT32)
	f.Options = &descriptorpb.FieldOptions{}
	proto.SetExtension(f.Options, options.E_Handle, true)
	return f
}

// generate runs the plugin over one service with one method, In → Out.
func generate(t *testing.T, rule *options.Rule, in, out []*descriptorpb.FieldDescriptorProto, also ...*options.Also) (string, error) {
	t.Helper()
	so := &descriptorpb.ServiceOptions{}
	proto.SetExtension(so, options.E_Also, also)
	mo := &descriptorpb.MethodOptions{}
	if rule != nil {
		proto.SetExtension(mo, options.E_Rule, rule)
	}
	entry := &descriptorpb.DescriptorProto{
		Name: proto.String("MEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
		Field: []*descriptorpb.FieldDescriptorProto{field("key", 1, str), field("value", 2, u64)},
	}
	file1 := &descriptorpb.FileDescriptorProto{
		Name: proto.String("t.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		Options:     &descriptorpb.FileOptions{GoPackage: proto.String("aramid/t")},
		Dependency:  []string{"proto/options/options.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("In"), Field: in, NestedType: []*descriptorpb.DescriptorProto{entry}}, {Name: proto.String("Out"), Field: out}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("T"), Options: so,
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Do"), InputType: proto.String(".t.In"), OutputType: proto.String(".t.Out"), Options: mo,
			}},
		}},
	}
	req := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{"t.proto"},
		ProtoFile: []*descriptorpb.FileDescriptorProto{
			protodesc.ToFileDescriptorProto(descriptorpb.File_google_protobuf_descriptor_proto),
			protodesc.ToFileDescriptorProto(options.File_proto_options_options_proto),
			file1,
		},
	}
	p, err := protogen.Options{}.New(req)
	if err != nil {
		t.Fatal(err)
	}
	f := p.FilesByPath["t.proto"]
	if err := orderly(f.Messages); err != nil {
		return "", err
	}
	if err := file(p, f); err != nil {
		return "", err
	}
	res := p.Response()
	if res.Error != nil {
		t.Fatal(*res.Error)
	}
	return res.File[0].GetContent(), nil
}

const (
	u64 = descriptorpb.FieldDescriptorProto_TYPE_UINT64
	str = descriptorpb.FieldDescriptorProto_TYPE_STRING
)

func list(f *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	return f
}

func numbers(n int) []*descriptorpb.FieldDescriptorProto {
	var fs []*descriptorpb.FieldDescriptorProto
	for i := 1; i <= n; i++ {
		fs = append(fs, field("f"+string(rune('a'+i)), int32(i), u64))
	}
	return fs
}

func TestUpToSixScalarsTravelInWordsAndMoreOrOthersAsProtobuf(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []*descriptorpb.FieldDescriptorProto
		want   string
	}{
		{"none", nil, "In:  0, Out: 0, InHandles: 0"},
		{"six", numbers(6), "In: 6, Out: 0, InHandles: 0"},
		{"six and a handle", append(numbers(6), handleField("h", 9)), "In: 6, Out: 0, InHandles: 1"},
		{"seven", numbers(7), "In: ipc.Bytes, Out: 0, InHandles: 0"},
		{"a string", []*descriptorpb.FieldDescriptorProto{field("s", 1, str)}, "In: ipc.Bytes, Out: 0, InHandles: 0"},
		{"a list", []*descriptorpb.FieldDescriptorProto{list(field("s", 1, u64))}, "In: ipc.Bytes, Out: 0, InHandles: 0"},
		{"a string and a handle", []*descriptorpb.FieldDescriptorProto{field("s", 1, str), handleField("h", 2)}, "In: ipc.Bytes, Out: 0, InHandles: 1"},
	} {
		got, err := generate(t, &options.Rule{}, c.fields, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if flat := strings.Join(strings.Fields(got), " "); !strings.Contains(flat, strings.Join(strings.Fields(c.want), " ")) {
			t.Errorf("%s: no %q in the table", c.name, c.want)
		}
	}
}

func TestOnlyForwardMethodsGetAForwardStub(t *testing.T) {
	for _, forward := range []bool{false, true} {
		got, err := generate(t, &options.Rule{Forward: forward, Errors: []string{"ErrBadFD"}}, nil, numbers(1))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got, "ForwardDo") != forward {
			t.Errorf("forward %v: the stub is there or missing", forward)
		}
		if !strings.Contains(got, "[]uabi.Error{uabi.ErrBadFD}") {
			t.Error("the errors are not in the table")
		}
	}
}

func TestWhatAServerAlsoHasIsATable(t *testing.T) {
	got, err := generate(t, &options.Rule{}, nil, nil, &options.Also{Method: "Seek", Refuses: true, Errors: []string{"ErrSeek"}}, &options.Also{Method: "Read", Blocks: true})
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(got), " ")
	for _, want := range []string{
		`var Served = []ipc.Served{ { Name: "Seek", Blocks: false, Refuses: true, Errors: []uabi.Error{uabi.ErrSeek}, },`, `{ Name: "Read", Blocks: true, Refuses: false, }, }`,
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("no %q in the table", want)
		}
	}
	if got, _ = generate(t, &options.Rule{}, nil, nil); strings.Contains(got, "Served") {
		t.Error("a table of nothing")
	}
}

func TestWhatTheRulesExcludeIsRefused(t *testing.T) {
	text := []*descriptorpb.FieldDescriptorProto{field("s", 1, str)}
	wide := handleField("h", 1)
	wide.Type = u64.Enum()
	mapped := list(field("m", 1, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE))
	mapped.TypeName = proto.String(".t.In.MEntry")
	five := []*descriptorpb.FieldDescriptorProto{}
	for i := int32(1); i <= 5; i++ {
		five = append(five, handleField("h"+string(rune('a'+i)), i))
	}
	for _, c := range []struct {
		name    string
		rule    *options.Rule
		in, out []*descriptorpb.FieldDescriptorProto
		want    string
	}{
		{"no rule", nil, nil, nil, "no rule"},
		{"a list of handles", &options.Rule{}, []*descriptorpb.FieldDescriptorProto{list(handleField("h", 1))}, nil, "plain uint32"},
		{"a wide handle", &options.Rule{}, []*descriptorpb.FieldDescriptorProto{wide}, nil, "plain uint32"},
		{"a map", &options.Rule{}, []*descriptorpb.FieldDescriptorProto{mapped}, nil, "a map has no order"},
		{"five handles", &options.Rule{}, five, nil, "more than 4 handles"},
		{"a forwarded reply of bytes", &options.Rule{Forward: true}, nil, text, "word 0"},
		{"a forwarded reply with a handle", &options.Rule{Forward: true}, nil, []*descriptorpb.FieldDescriptorProto{handleField("h", 1)}, "word 0"},
	} {
		if _, err := generate(t, c.rule, c.in, c.out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
