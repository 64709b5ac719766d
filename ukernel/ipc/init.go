package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
)

// Init forgets every object: at boot there are none, and host tests start afresh with it. Package vm's Init comes first.
func Init() {
	processes = object.Pool[Process]{}
	threads = object.Pool[Thread]{}
	endpoints = object.Pool[Endpoint]{}
	badges = object.Pool[Badge]{}
	bindings = object.Pool[binding]{}
	events = object.Pool[Event]{}
	waitSets = object.Pool[WaitSet]{}
	members = object.Pool[member]{}
	timers = object.Pool[Timer]{}
	irqs = object.Pool[IRQ]{}
	ports = object.Pool[Port]{}
	pinNodes = object.Pool[pinNode]{}
	tombNodes = object.Pool[tomb]{}
	graves, deadThreads, dying, doomed, closing, orphans = nil, nil, nil, nil, nil, nil
	untidy, more = false, false
	allEndpoints, allProcesses, dirty = nil, nil, nil
	clear(badgeHash[:])
	clear(alienHash[:])
	clear(memberHash[:])
	clear(futexes[:])
	clear(lines[:])
	watchdog = sched.Timer{}
	deliveries = 0
	sched.Reset()
}
