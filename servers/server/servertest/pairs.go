// Package servertest is what the protocol tests of all servers share: handlers are watched, and the pairs of a method and an error that
// proto documents are compared with those that the tests reached.
package servertest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"aramid/proto/ipc"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// answers counts what the handlers of one service answered, in all tests of a package.
type answers struct {
	mu      sync.Mutex
	methods []ipc.Method
	seen    map[string]int // "Method ErrName"
}

var all = answers{seen: map[string]int{}}

// watched is a dispatcher whose answers are counted.
type watched struct {
	ipc.Dispatcher[*server.Ctx]
	first      uint32
	invariants []func() string
}

// Watch turns on the library's checks of a server's handlers (server.Spec.Check) and counts what they answer. invariants are asked after
// each request and say what is wrong with the state.
func Watch(s server.Spec, invariants ...func() string) server.Spec {
	s.Check = true
	all.mu.Lock()
	all.methods = s.Service.Methods
	all.mu.Unlock()
	s.Service.Dispatch = &watched{s.Service.Dispatch, s.Service.First, invariants}
	return s
}

// Dispatch implements ipc.Dispatcher.
func (w *watched) Dispatch(c *server.Ctx, method uint32, b *uk.Buffer) uabi.Error {
	err := w.Dispatcher.Dispatch(c, method, b)
	for _, wrong := range w.invariants {
		if what := wrong(); what != "" {
			panic(fmt.Sprintf("after method %d: %s", method, what))
		}
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if i := method - max(w.first, 1); i < uint32(len(all.methods)) && all.methods[i].Name != "" {
		all.seen[pair(&all.methods[i], err)]++
	}
	return err
}

func pair(m *ipc.Method, e uabi.Error) string { return m.Name + ": " + e.Error() }

// always may be answered by every method: the library or the kernel answers them, and proto does not name them.
var always = []uabi.Error{uabi.ErrDecode, uabi.ErrHandle, uabi.ErrIO, uabi.ErrNoMem}

// Main runs a package's tests and then fails if a pair that proto documents was not reached, or one that it does not document was. unreached
// are those that no test reaches yet, "Method: error, error …" a line; one that is reached after all fails too, so that the list
// gets shorter. A method alone stands for all its pairs. When only some of the tests are run, nothing is said.
func Main(m *testing.M, unreached string) {
	status := m.Run()
	flag.Parse()
	if status == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		problems, stale := all.problems(unreached)
		if len(stale) > 0 {
			fmt.Printf("FAIL: reached, so unreached must not name them: %s\n", strings.Join(stale, "; "))
			status = 1
		}
		if len(problems) > 0 {
			fmt.Printf("FAIL: methods and errors (servers/server/servertest):\n\t%s\n", strings.Join(problems, "\n\t"))
			status = 1
		}
	}
	os.Exit(status)
}

func (a *answers) problems(unreached string) (p, stale []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	excused, whole := map[string]bool{}, map[string]bool{}
	for l := range strings.Lines(unreached) {
		method, errors, _ := strings.Cut(strings.TrimSpace(l), ":")
		if method == "" {
			continue
		}
		if errors == "" {
			whole[method] = true
			continue
		}
		for e := range strings.SplitSeq(errors, ",") {
			excused[method+": "+strings.TrimSpace(e)] = true
		}
	}
	documented := map[string]bool{}
	for i := range a.methods {
		m := &a.methods[i]
		if m.Name == "" {
			continue // of the other service of a joined one, and not served
		}
		errors := slices.Clone(m.Errors)
		if !m.Refuses {
			errors = append(errors, uabi.OK)
		}
		if m.Blocks {
			errors = append(errors, uabi.ErrWait)
		}
		for _, e := range errors {
			k := pair(m, e)
			documented[k] = true
			if a.seen[k] == 0 && !excused[k] && !whole[m.Name] {
				p = append(p, k+" (no test reaches it)")
			}
		}
		for _, e := range always {
			documented[pair(m, e)] = true
		}
	}
	for k := range a.seen {
		if method, _, _ := strings.Cut(k, ":"); !documented[k] && !excused[k] && !whole[method] {
			p = append(p, k+" (answered, but proto does not say so)")
		}
	}
	for k := range excused {
		if documented[k] && a.seen[k] > 0 {
			stale = append(stale, k)
		}
	}
	sort.Strings(p)
	sort.Strings(stale)
	return p, stale
}
