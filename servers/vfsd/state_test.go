package main

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aramid/servers/vfsd/state"
)

// A snapshot has every scalar of the state: one that is left out is lost with the next crash.
func TestASnapshotHasEveryScalar(t *testing.T) {
	in, out := &state.State{}, &state.State{}
	fields := in.ProtoReflect().Descriptor().Fields()
	scalars := func(f func(protoreflect.FieldDescriptor)) {
		for i := range fields.Len() {
			if d := fields.Get(i); !d.IsList() && d.Message() == nil {
				f(d)
			}
		}
	}
	scalars(func(d protoreflect.FieldDescriptor) { in.ProtoReflect().Set(d, some(d)) })
	b, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{})
	if err := h.Load(b); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(h.Save(), out); err != nil {
		t.Fatal(err)
	}
	scalars(func(d protoreflect.FieldDescriptor) {
		if !out.ProtoReflect().Has(d) {
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
