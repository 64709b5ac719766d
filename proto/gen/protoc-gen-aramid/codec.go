package main

import (
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// codec writes Encode and Decode of a message that travels as bytes. A flat message (scalars, strings and bytes only) gets
// straight code in field order, an order of magnitude shorter than the general one; anything that this code does not expect when it reads (another
// order, unknown fields) is read again by vtprotobuf's.
func codec(g *protogen.GeneratedFile, m *message) {
	fields, flat := flatFields(m)
	encode(g, m, fields, flat)
	decode(g, m, fields, flat)
}

// flatFields lists a message's fields but handles, in order of their numbers; ok is false if one is no scalar, string or bytes.
func flatFields(m *message) (list []*protogen.Field, ok bool) {
	for _, f := range m.Fields {
		if isHandle(f) {
			continue
		}
		kind := f.Desc.Kind()
		if f.Desc.IsList() || f.Desc.HasPresence() || kind == protoreflect.MessageKind || kind == protoreflect.GroupKind {
			return nil, false
		}
		list = append(list, f)
	}
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].Desc.Number() < list[j-1].Desc.Number(); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list, true
}

// wireType is protobuf's wire type of a kind.
func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return protowire.BytesType
	case protoreflect.DoubleKind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.Fixed64Type
	case protoreflect.FloatKind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.Fixed32Type
	}
	return protowire.VarintType
}

func tag(f *protogen.Field) []byte {
	return protowire.AppendTag(nil, f.Desc.Number(), wireType(f.Desc.Kind()))
}

func ipcName(g *protogen.GeneratedFile, name string) string {
	return g.QualifiedGoIdent(ipcPath.Ident(name))
}

// varintRoom is the longest varint; lengths below 64 KiB take three bytes.
const (
	varintRoom = 10
	lengthRoom = 3
)

func encode(g *protogen.GeneratedFile, m *message, fields []*protogen.Field, flat bool) {
	g.P()
	g.P("// Encode writes the message to b and returns its length, or −1 if it does not fit.")
	g.P("func (x *", m.GoIdent, ") Encode(b []byte) int {")
	if flat {
		room, lengths := 0, ""
		for _, f := range fields {
			room += len(tag(f)) + varintRoom
			if wireType(f.Desc.Kind()) == protowire.BytesType {
				room -= varintRoom - lengthRoom
				lengths += " + len(x." + f.GoName + ")"
			}
		}
		g.P("if ", room, lengths, " <= len(b) {")
		g.P("n := 0")
		for _, f := range fields {
			put(g, f)
		}
		g.P("return n")
		g.P("}")
	}
	g.P("n := x.SizeVT()")
	g.P("if n > len(b) {")
	g.P("return -1")
	g.P("}")
	g.P("if _, err := x.MarshalToSizedBufferVT(b[:n]); err != nil {")
	g.P("return -1")
	g.P("}")
	g.P("return n")
	g.P("}")
}

// put writes one field if it is not zero.
func put(g *protogen.GeneratedFile, f *protogen.Field) {
	v := "x." + f.GoName
	kind := f.Desc.Kind()
	switch {
	case kind == protoreflect.StringKind || kind == protoreflect.BytesKind:
		g.P("if len(", v, ") != 0 {")
	case kind == protoreflect.BoolKind:
		g.P("if ", v, " {")
	default:
		g.P("if ", v, " != 0 {")
	}
	t := tag(f)
	for i, c := range t {
		g.P("b[n+", i, "] = ", fmt.Sprintf("%#x", c))
	}
	at := fmt.Sprintf("(b, n+%d, ", len(t))
	switch kind {
	case protoreflect.StringKind:
		g.P("n = ", ipcName(g, "PutString"), at, v, ")")
	case protoreflect.BytesKind:
		g.P("n = ", ipcName(g, "PutBytes"), at, v, ")")
	case protoreflect.BoolKind:
		g.P("n = ", ipcName(g, "PutVarint"), at, "1)")
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		g.P("n = ", ipcName(g, "PutVarint"), at, ipcName(g, "Zigzag"), "(int64(", v, ")))")
	case protoreflect.DoubleKind:
		g.P("n = ", ipcName(g, "PutFixed64"), at, g.QualifiedGoIdent(mathPath.Ident("Float64bits")), "(", v, "))")
	case protoreflect.FloatKind:
		g.P("n = ", ipcName(g, "PutFixed32"), at, g.QualifiedGoIdent(mathPath.Ident("Float32bits")), "(", v, "))")
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		g.P("n = ", ipcName(g, "PutFixed64"), at, "uint64(", v, "))")
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		g.P("n = ", ipcName(g, "PutFixed32"), at, "uint32(", v, "))")
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		g.P("n = ", ipcName(g, "PutVarint"), at, "uint64(", v, "))")
	default:
		// Negative int32, int64 and enum values are ten bytes.
		g.P("n = ", ipcName(g, "PutVarint"), at, "uint64(int64(", v, ")))")
	}
	g.P("}")
}

func decode(g *protogen.GeneratedFile, m *message, fields []*protogen.Field, flat bool) {
	g.P()
	g.P("// Decode reads the message from b, which it aliases, and reports whether b is one.")
	g.P("func (x *", m.GoIdent, ") Decode(b []byte) bool {")
	if flat {
		g.P("i := 0")
		for _, f := range fields {
			get(g, f)
		}
		g.P("if i == len(b) && len(x.unknownFields) == 0 {")
		g.P("return true")
		g.P("}")
	}
	g.P("x.Clear()")
	g.P("return x.UnmarshalVTUnsafe(b) == nil")
	g.P("}")
}

// get reads one field if it is next.
func get(g *protogen.GeneratedFile, f *protogen.Field) {
	v := "x." + f.GoName
	kind := f.Desc.Kind()
	t := tag(f)
	cond := fmt.Sprintf("i+%d < len(b)", len(t)-1)
	if len(t) == 1 {
		cond = "i < len(b)"
	}
	for i, c := range t {
		if i == 0 {
			cond += fmt.Sprintf(" && b[i] == %#x", c)
		} else {
			cond += fmt.Sprintf(" && b[i+%d] == %#x", i, c)
		}
	}
	g.P("if ", cond, " {")
	at := fmt.Sprintf("(b, i+%d)", len(t))
	zero := "0"
	switch kind {
	case protoreflect.StringKind:
		zero = `""`
		g.P("var v []byte")
		g.P("v, i = ", ipcName(g, "FieldBytes"), at)
		g.P(v, " = ", ipcName(g, "String"), "(v)")
	case protoreflect.BytesKind:
		zero = "nil"
		g.P(v, ", i = ", ipcName(g, "FieldBytes"), at)
	default:
		number(g, f, at)
	}
	if kind == protoreflect.BoolKind {
		zero = "false"
	}
	g.P("} else {")
	g.P(v, " = ", zero)
	g.P("}")
}

// number reads a scalar.
func number(g *protogen.GeneratedFile, f *protogen.Field, at string) {
	v := "x." + f.GoName
	kind := f.Desc.Kind()
	switch wireType(kind) {
	case protowire.Fixed64Type:
		g.P("var v uint64")
		g.P("v, i = ", ipcName(g, "Fixed64"), at)
	case protowire.Fixed32Type:
		g.P("var v uint32")
		g.P("v, i = ", ipcName(g, "Fixed32"), at)
	default:
		// One byte is by far the commonest, and a call costs more than all of this.
		g.P("var v uint64")
		g.P("if i += ", len(tag(f)), "; i < len(b) && b[i] < 0x80 {")
		g.P("v = uint64(b[i])")
		g.P("i++")
		g.P("} else {")
		g.P("v, i = ", ipcName(g, "Varint"), "(b, i)")
		g.P("}")
	}
	switch kind {
	case protoreflect.BoolKind:
		g.P(v, " = v != 0")
	case protoreflect.DoubleKind:
		g.P(v, " = ", g.QualifiedGoIdent(mathPath.Ident("Float64frombits")), "(v)")
	case protoreflect.FloatKind:
		g.P(v, " = ", g.QualifiedGoIdent(mathPath.Ident("Float32frombits")), "(v)")
	case protoreflect.EnumKind:
		g.P(v, " = ", f.Enum.GoIdent, "(v)")
	case protoreflect.Sint32Kind:
		g.P(v, " = int32(", ipcName(g, "Unzigzag"), "(uint64(uint32(v))))")
	case protoreflect.Sint64Kind:
		g.P(v, " = ", ipcName(g, "Unzigzag"), "(v)")
	default:
		g.P(v, " = ", goType(f), "(v)")
	}
}
