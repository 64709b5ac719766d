package uksim

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// States of a task.
const (
	taskNew = iota
	taskReady
	taskRunning
	taskBlocked
	taskDone
)

// unwind is the panic value that ends a dead image's goroutines.
type unwind struct{}

// task is one coroutine: a native thread or an alien in user mode.
type task struct {
	sim   *Sim
	name  string
	proc  *Process // nil for aliens
	state int
	dead  bool
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	after func() // when the coroutine has ended
}

// launch makes the task ready to run body.
func (t *task) launch(body func()) {
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		t.guard(body)
	})
	t.sim.tasks = append(t.sim.tasks, t)
	t.state = taskReady
	t.sim.ready = append(t.sim.ready, t)
}

// guard runs body and turns its panics into a crash of its process.
func (t *task) guard(body func()) {
	defer func() {
		t.state = taskDone
		v := recover()
		if t.after != nil {
			t.after()
		}
		if v == nil {
			return
		}
		if _, ok := v.(unwind); ok {
			return
		}
		s := t.sim
		if t.proc != nil && s.cfg.PanicIsCrash != nil && s.cfg.PanicIsCrash(t.proc.name, v) {
			s.crashes++
			s.note("PANIC", fmt.Sprintf("%s: %v", t.proc.name, v), 0, 0)
			t.proc.end(statusPanic, true)
			return
		}
		stack := "(trace for the stack)"
		if s.Tracing() {
			stack = string(debug.Stack())
		}
		s.Fail("%s panics: %v\n%s", t.name, v, stack)
	}()
	if t.dead {
		return
	}
	body()
}

// resume runs the task until it switches out or ends.
func (t *task) resume() { t.next() }

// switchOut gives the baton back; the task's state says when it goes on.
func (t *task) switchOut() {
	if !t.yield(struct{}{}) || t.dead {
		panic(unwind{})
	}
}

// block parks the running task until wake.
func (t *task) block() {
	if t.dead {
		panic(unwind{})
	}
	t.state = taskBlocked
	t.switchOut()
}

// wake makes a blocked task ready; any other task stays as it is.
func (t *task) wake() {
	if t.state == taskBlocked {
		t.state = taskReady
		t.sim.ready = append(t.sim.ready, t)
	}
}

// kill marks the task dead: it unwinds at its next kernel call, or when the scheduler reaps it.
func (t *task) kill() {
	if t.dead || t.state == taskDone {
		return
	}
	t.dead = true
	s := t.sim
	for i, r := range s.ready {
		if r == t {
			s.takeReady(i)
			break
		}
	}
	if s.next == t {
		s.next = nil
	}
	if s.cur != t {
		s.reap = append(s.reap, t)
	}
}

// reapDead unwinds the dead coroutines that are not running.
func (s *Sim) reapDead() {
	if len(s.reap) == 0 {
		return
	}
	for len(s.reap) > 0 {
		t := s.reap[0]
		s.reap = s.reap[1:]
		if t.stop != nil { // an alien that nobody has given a program yet has no coroutine
			t.stop()
		}
		t.state = taskDone
	}
	n := 0
	for _, t := range s.tasks {
		if t.state != taskDone {
			s.tasks[n] = t
			n++
		}
	}
	clear(s.tasks[n:])
	s.tasks = s.tasks[:n]
}
