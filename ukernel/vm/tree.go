package vm

// insert puts n into the treap and the list. Its addresses are free.
func (s *Space) insert(n *region) {
	n.space = s
	n.prio = nextPrio()
	n.left, n.right, n.up, n.prev, n.next = nil, nil, nil, nil, nil
	at := &s.tree
	for *at != nil {
		n.up = *at
		if n.va < n.up.va {
			n.next = n.up
			at = &n.up.left
		} else {
			n.prev = n.up
			at = &n.up.right
		}
	}
	*at = n
	if n.prev != nil {
		n.prev.next = n
	} else {
		s.first = n
	}
	if n.next != nil {
		n.next.prev = n
	} else {
		s.last = n
	}
	for n.up != nil && n.up.prio < n.prio {
		s.rotateUp(n)
	}
}

// remove takes n out of the treap and the list.
func (s *Space) remove(n *region) {
	for n.left != nil || n.right != nil {
		c := n.left
		if c == nil || n.right != nil && n.right.prio > c.prio {
			c = n.right
		}
		s.rotateUp(c)
	}
	*s.linkTo(n) = nil
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		s.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		s.last = n.prev
	}
	if s.hint == n {
		s.hint = nil
	}
}

// linkTo is the pointer that leads to n.
func (s *Space) linkTo(n *region) **region {
	switch {
	case n.up == nil:
		return &s.tree
	case n.up.left == n:
		return &n.up.left
	}
	return &n.up.right
}

// rotateUp exchanges n with its parent, keeping the order by address.
func (s *Space) rotateUp(n *region) {
	p := n.up
	at := s.linkTo(p)
	if p.left == n {
		p.left = n.right
		if n.right != nil {
			n.right.up = p
		}
		n.right = p
	} else {
		p.right = n.left
		if n.left != nil {
			n.left.up = p
		}
		n.left = p
	}
	n.up, p.up = p.up, n
	*at = n
}
