package table

// Spares are objects that the state has let go, for the next that it needs of their kind: they cost no allocation and no work of the collector.
// Whoever gives one has the only pointer to it. The zero Spares has none and is ready. It is not safe for concurrent use.
type Spares[T any] struct{ free []*T }

// maxSpares is how many are kept.
const maxSpares = 64

// Take returns an object that is all zero.
func (s *Spares[T]) Take() *T {
	n := len(s.free) - 1
	if n < 0 {
		return new(T)
	}
	v := s.free[n]
	s.free = s.free[:n]
	return v
}

// Give empties an object and keeps it for Take.
func (s *Spares[T]) Give(v *T) {
	if len(s.free) >= maxSpares {
		return
	}
	var zero T
	*v = zero
	s.free = append(s.free, v)
}
