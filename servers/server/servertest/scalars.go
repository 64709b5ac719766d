package servertest

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aramid/servers/server"
)

// Scalars fails the test if a snapshot of s, whose message is of in's type, leaves out a scalar of the state: it would be lost with the next crash.
func Scalars(t *testing.T, s server.State, in proto.Message) {
	t.Helper()
	all := in.ProtoReflect()
	scalars := func(f func(protoreflect.FieldDescriptor)) {
		fields := all.Descriptor().Fields()
		for i := range fields.Len() {
			if d := fields.Get(i); !d.IsList() && d.Message() == nil {
				f(d)
			}
		}
	}
	scalars(func(d protoreflect.FieldDescriptor) { all.Set(d, some(d)) })
	b, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(b); err != nil {
		t.Fatal(err)
	}
	out := all.New()
	if err := proto.Unmarshal(s.Save(), out.Interface()); err != nil {
		t.Fatal(err)
	}
	scalars(func(d protoreflect.FieldDescriptor) {
		if !out.Has(d) {
			t.Errorf("%s is lost", d.Name())
		}
	})
}

// some is a value of a field that is not its zero.
func some(d protoreflect.FieldDescriptor) protoreflect.Value {
	switch d.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("some")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("some"))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(7)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(7)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(7)
	}
	return protoreflect.ValueOfUint64(7)
}
