package sched

// Queue is an intrusive doubly linked list of threads. The zero value is empty.
type Queue struct{ head, tail *Thread }

// Empty reports whether nobody is in q.
func (q *Queue) Empty() bool { return q.head == nil }

// Head is the first thread, or nil.
func (q *Queue) Head() *Thread { return q.head }

// Next is the thread behind t in its queue, or nil.
func (t *Thread) Next() *Thread { return t.next }

// In is the queue that t is in, or nil.
func (t *Thread) In() *Queue { return t.in }

// Push appends t, which is in no queue.
//
//go:noinline
func (q *Queue) Push(t *Thread) {
	t.in = q
	t.next = nil
	t.prev = q.tail
	if q.tail == nil {
		q.head = t
	} else {
		q.tail.next = t
	}
	q.tail = t
}

// PushFront puts t, which is in no queue, before all others.
func (q *Queue) PushFront(t *Thread) {
	t.in = q
	t.prev = nil
	t.next = q.head
	if q.head == nil {
		q.tail = t
	} else {
		q.head.prev = t
	}
	q.head = t
}

// Pop removes and returns the first thread, or nil.
func (q *Queue) Pop() *Thread {
	t := q.head
	if t == nil {
		return nil
	}
	q.head = t.next
	if t.next == nil {
		q.tail = nil
	} else {
		t.next.prev = nil
	}
	t.next, t.in = nil, nil
	return t
}

// Unlink takes t out of the queue it is in, if any.
//
//go:noinline
func (t *Thread) Unlink() {
	q := t.in
	if q == nil {
		return
	}
	if t.prev == nil {
		q.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		q.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.next, t.prev, t.in = nil, nil, nil
}
