package audit

// marshal is Save for generated messages.
func marshal(m interface{ MarshalVT() ([]byte, error) }) []byte {
	b, err := m.MarshalVT()
	if err != nil {
		panic(err) // only for strings that are not UTF-8: none got past decoding
	}
	return b
}
