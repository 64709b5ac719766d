package server

import (
	"fmt"
	"strconv"
	"strings"

	"aramid/ukernel/uabi"
)

// step is where in the library a fault point is.
type step uint8

const (
	stepReceive   step = 1 + iota // a message arrived
	stepDecode                    // its record is written, not visible
	stepInput                     // an input was logged
	stepIntent                    // before the record becomes an intent
	stepEffect                    // behind the intent, before an effect
	stepDone                      // an input or effect is done, not logged
	stepCall                      // before a nested call
	stepCalled                    // behind it, not logged
	stepFinish                    // an open intent goes on live
	stepCommit                    // before the commit word
	stepCommitted                 // behind it, not answered
	stepReply                     // answered, its handles not closed
	stepAck                       // a notice is committed, not acknowledged
	stepSnapshot                  // before a snapshot
	stepSwitch                    // it is written, not valid
	stepSwitched                  // valid
	stepReplay                    // before the replay of a record
	stepReplayed                  // replay is complete
	stepClean                     // before a handle nobody names is closed
	stepCount
)

var stepNames = [stepCount]string{
	"", "receive", "decode", "input", "intent", "effect", "done", "call", "called", "finish", "commit", "committed", "reply", "ack",
	"snapshot", "switch", "switched", "replay", "replayed", "clean",
}

func (s step) String() string { return stepNames[s] }

// Words of a fault plan in kept memory, behind headFault.
const (
	faultSeed = iota
	faultEvery
	faultCount // steps so far, of all images
	faultKills
	faultLast // the step at which the last kill was made: a new one waits until a request was answered since
	faultDone // requests answered at the last kill
	faultEach // 1: also wherever in a method no kill has been yet
)

// Behind headFaultSeen is a word for each method, and before them one for what is no method: its bit for a step is set once a kill was
// made there.
const (
	faultMethods  = 128
	faultEachOdds = 4 // one in so many steps where no kill has been is one
	faultEachWord = "each"
)

// ExitFault is the exit status of an image that a fault point ended.
const ExitFault = 86

// fault is the plan of this image.
type fault struct {
	on bool
}

// parseFault reads the aramid.fault= word for this server: SERVER:SEED:EVERY or SERVER:SEED:EVERY:each.
func parseFault(cmdline, name string) (seed, every uint64, each, ok bool) {
	for _, word := range strings.Fields(cmdline) {
		plan, found := strings.CutPrefix(word, "aramid.fault=")
		if !found {
			continue
		}
		for _, one := range strings.Split(plan, ",") {
			parts := strings.Split(one, ":")
			if each = len(parts) == 4 && parts[3] == faultEachWord; each {
				parts = parts[:3]
			}
			if len(parts) != 3 || parts[0] != name {
				continue
			}
			seed, err1 := strconv.ParseUint(parts[1], 0, 64)
			every, err2 := strconv.ParseUint(parts[2], 0, 64)
			if err1 == nil && err2 == nil && every > 0 {
				return seed, every, each, true
			}
		}
	}
	return 0, 0, false, false
}

// step counts a step and ends the image if the plan says so: on average at one step in every. After a kill it waits for an
// answered request, so that no request is killed twice in a row and taken for poison.
func (s *server) step(at step) {
	if s.onStep != nil {
		s.onStep(at)
	}
	if !s.fault.on || s.host {
		return
	}
	w := s.kept.w[headFault:]
	if w[faultEvery] == 0 {
		return
	}
	w[faultCount]++
	answered := s.kept.w[headHealth+healthAnswered]
	if w[faultKills] > 0 && answered == w[faultDone] {
		return
	}
	method := s.faultMethod()
	seen := &s.kept.w[headFaultSeen+method]
	odds := w[faultEvery]
	if w[faultEach] != 0 && *seen>>at&1 == 0 {
		odds = min(odds, faultEachOdds)
	}
	if mix(w[faultSeed]+w[faultCount])%odds != 0 {
		return
	}
	*seen |= 1 << at
	w[faultKills]++
	w[faultLast], w[faultDone] = uint64(at), answered
	s.logf("fault point %v in method %d: kill %d at step %d", at, method, w[faultKills], w[faultCount])
	s.k.ProcessExit(ExitFault)
}

// faultMethod is the number of the method that is being executed, or was last; modulo faultMethods; 0: none, as in a start or for a notice.
func (s *server) faultMethod() uint32 {
	if in := s.b.In; in.Kind == uabi.KindCall {
		return in.Method % faultMethods
	}
	return 0
}

// mix is splitmix64's finaliser.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// plan takes over the kernel command line's fault plan, once: it stays in kept memory.
func (s *server) plan() {
	w := s.kept.w[headFault:]
	if w[faultEvery] == 0 {
		if seed, every, each, ok := parseFault(s.cmdline(), s.spec.Name); ok {
			w[faultSeed], w[faultEvery] = seed, every
			if each {
				w[faultEach] = 1
			}
		}
	}
	s.fault.on = w[faultEvery] != 0 || s.onStep != nil
}

// cmdline is the kernel command line from BootConfig, or empty.
func (s *server) cmdline() string {
	size, _, err := s.k.MemorySize(uabi.BootConfig)
	if err != uabi.OK || size > maxCmdline {
		return ""
	}
	b := make([]byte, size)
	n, err := s.k.MemoryRead(uabi.BootConfig, 0, b)
	if err != uabi.OK {
		return ""
	}
	text, _, _ := strings.Cut(string(b[:n]), "\x00")
	return text
}

const maxCmdline = 64 << 10

// logf writes a line to the kernel log.
func (s *server) logf(format string, a ...any) {
	if s.k == nil {
		return
	}
	s.k.Log([]byte(s.spec.Name + ": " + fmt.Sprintf(format, a...)))
}
