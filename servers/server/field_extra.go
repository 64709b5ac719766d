//go:build extrafield

package server

import "google.golang.org/protobuf/encoding/protowire"

// extraField is the number of a field that no server's state has.
const extraField = 2047

// withField adds a field to a state message.
func withField(state []byte) []byte {
	return protowire.AppendString(protowire.AppendTag(state, extraField, protowire.BytesType), "of a newer version")
}
