package ipc

// watch is a link from an event to somebody who must hear of its changes: a binding or a member of a wait set. It holds no
// reference: when the event ends, the watch goes with it.
type watch struct {
	event  *Event
	next   *watch
	prev   *watch
	mask   uint32
	member bool // it is the first field of a member, else of a binding
}

// attach puts w into ev's list, last.
//
//go:noinline
func (w *watch) attach(ev *Event) {
	w.event = ev
	w.next, w.prev = nil, ev.watchEnd
	if ev.watchEnd == nil {
		ev.watches = w
	} else {
		ev.watchEnd.next = w
	}
	ev.watchEnd = w
}

// detach takes it out.
//
//go:noinline
func (w *watch) detach() {
	ev := w.event
	if w.prev == nil {
		ev.watches = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		ev.watchEnd = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.event, w.next, w.prev = nil, nil, nil
}
