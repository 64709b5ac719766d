package main

import (
	"fmt"
	"log"
	"os"
	"runtime"
	"sync"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Exit statuses of the machine when there is nothing to run.
const statusManifest = 6

const frameKiB = 4

func main() {
	log.SetFlags(0)
	log.SetOutput(os.Stderr)
	k, e := uk.NewThread()
	if e != uabi.OK {
		log.Fatalf("fatal: no message buffer: %v", e)
	}
	var info uabi.SystemInfo
	k.SystemInfo(&info)
	log.Printf("started; kernel memory %d KiB", info.KernelFrames*frameKiB)
	r := &system{}
	if err := r.start(k); err != nil {
		log.Printf("fatal: %v", err)
		k.PowerOff(uabi.BootPower, statusManifest)
	}
	r.control(k)
	select {}
}

// system is everything that rootd runs.
type system struct {
	book    book
	servers []*srv             // in manifest order
	dying   bool               // it was asked to end
	traced  []uabi.TraceRecord // what the trace rings held when they were asked for
}

// start brings all servers up, or finds them running. Each that is up is watched when it returns.
func (r *system) start(k uk.Kernel) error {
	r.book.k = k
	if err := r.book.open(); err != nil {
		return err
	}
	r.book.closeOthers()
	files, err := readArchive(k)
	if err != nil {
		return err
	}
	text, err := readFile(k, files, "manifest")
	if err != nil {
		return err
	}
	lines, err := parseManifest(text)
	if err != nil {
		return err
	}
	if err := r.create(k, lines, files); err != nil {
		return err
	}
	var watching sync.WaitGroup
	for _, s := range r.servers {
		if err := s.begin(k); err != nil {
			return err
		}
		if !s.line.lazy {
			watching.Add(1)
			go supervise(s, watching.Done)
		}
	}
	watching.Wait()
	return nil
}

// supervise gives the server's watcher a thread of its own; ready is called when it has it.
func supervise(s *srv, ready func()) {
	runtime.LockOSThread()
	k, e := uk.NewThread()
	ready()
	if e != uabi.OK {
		log.Printf("%s: nobody watches it: %v", s.line.name, e)
		return
	}
	s.watch(k)
}

// create makes the processes that the book does not have. All endpoints are there before any process starts.
func (r *system) create(k uk.Kernel, lines []line, files map[string]file) error {
	m := maker{k: k, rank: map[string]uint32{}}
	for _, l := range lines {
		m.rank[l.name] = l.rank
	}
	fresh := len(r.book.entries) == 0
	for _, l := range lines {
		e := r.book.find(l.name)
		if e == nil {
			if !fresh {
				return fmt.Errorf("%s is in the manifest but not in the book", l.name)
			}
			f, ok := files[l.file]
			if !ok {
				return fmt.Errorf("the boot archive has no %s, which the manifest names for %s", l.file, l.name)
			}
			var err error
			if e, err = m.create(l, f, r.endpoint); err != nil {
				return err
			}
			r.book.entries = append(r.book.entries, e)
		}
		r.servers = append(r.servers, &srv{line: l, entry: e, book: &r.book, wake: make(chan struct{}, 1)})
	}
	if !fresh {
		return nil
	}
	if err := r.handlers(k); err != nil {
		return err
	}
	return r.book.update(func() {})
}

// handlers gives the endpoints of handler= words, which may come later in the manifest.
func (r *system) handlers(k uk.Kernel) error {
	for _, s := range r.servers {
		if s.line.handler == "" {
			continue
		}
		err := k.ProcessGive(s.entry.Process, uint32(uabi.BootLinux), r.endpoint(s.line.handler), uabi.RightCall|uabi.RightTransfer)
		if err != uabi.OK {
			return fmt.Errorf("%s: handler %s: %w", s.line.name, s.line.handler, err)
		}
	}
	return nil
}

// endpoint is the endpoint of a server by name, 0 if it has none yet.
func (r *system) endpoint(name string) uabi.Handle {
	if e := r.book.find(name); e != nil {
		return e.Endpoint
	}
	return 0
}

func readFile(k uk.Kernel, files map[string]file, name string) (string, error) {
	f, ok := files[name]
	if !ok {
		return "", fmt.Errorf("the boot archive has no %s", name)
	}
	b := make([]byte, f.len)
	if _, err := k.MemoryRead(uabi.BootArchive, f.off, b); err != uabi.OK {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return string(b), nil
}
