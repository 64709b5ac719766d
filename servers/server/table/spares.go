package table

// Spares are objects that the state has let go, for the next that it needs of their kind: they cost no allocation and no work of the collector.
// Whoever gives one has the only pointer to it. The zero Spares has none and is ready. It is not safe for concurrent use.
type Spares[T any] struct {
	free [maxSpares]*T
	n    int
}

// maxSpares is how many are kept.
const maxSpares = 64

// Take returns an object that is all zero.
func (s *Spares[T]) Take() *T {
	if s.n == 0 {
		return new(T)
	}
	s.n--
	return s.free[s.n]
}

// Give empties an object and keeps it for Take.
func (s *Spares[T]) Give(v *T) {
	if s.n == maxSpares {
		return
	}
	var zero T
	*v = zero
	s.free[s.n] = v
	s.n++
}
