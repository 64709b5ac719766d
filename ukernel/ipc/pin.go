package ipc

// pinNode holds a pin (R5) beyond those that fit in the alien's thread object.
type pinNode struct {
	next *pinNode
	ref  ref
}
