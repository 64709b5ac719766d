package sched

// State is what the scheduler knows of a thread's state.
type State uint8

// The states.
const (
	Blocked State = iota // waits for something; package ipc knows for what
	Ready                // in a ready queue
	Running              // some CPU's current
	Gone                 // never runs again
)

// Priorities: higher runs first.
const (
	PrioAlien  = 2
	PrioNative = 4
	PrioServer = 5
	PrioMax    = 7
	prioCount  = PrioMax + 1
)
