package storm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"aramid/itest/ledger/abi"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// Addresses in an alien's space.
const (
	alienData = 0x10000
	alienSize = 4 * uksim.PageSize
	alienBuf  = alienData + uksim.PageSize - 8 // across a page border
)

// alien starts alien number i: a program of random system calls that knows what each must answer.
func (w *world) alien(i int) {
	w.alienRuns(fmt.Sprintf("a%d", i), func(p *alienProgram) {
		for range w.plan.calls {
			p.call()
		}
		p.close()
	})
}

// alienPair starts two aliens of which one waits for what the other deposits.
func (w *world) alienPair(i int) {
	name := fmt.Sprintf("shared%d", i)
	w.alienRuns("ap"+name, func(p *alienProgram) { p.produce(name, w.plan.total) })
	w.alienRuns("aq"+name, func(p *alienProgram) { p.consume(name, w.plan.total) })
}

// alienRuns starts an alien.
func (w *world) alienRuns(name string, f func(p *alienProgram)) {
	w.started++
	sp := w.NewSpace()
	sp.Map(alienData, alienSize, uabi.ProtRead|uabi.ProtWrite)
	p := &alienProgram{w: w, r: rand.New(rand.NewPCG(w.Rand().Uint64(), 2)), name: name}
	a := w.NewAlien(sp, w.Process("abi").Endpoint(), func(a *uksim.Alien) {
		p.a = a
		f(p)
		w.sum.Add(p.sum)
		w.ended++
		a.Kill()
		a.Step()
	})
	if w.plan.mayKill && w.Rand().IntN(2) == 0 {
		w.After(w.Rand().Uint64N(600*uksim.StepNS), func() { w.killAlien(a) })
	}
	if w.plan.mayInterrupt {
		for range 3 {
			w.After(w.Rand().Uint64N(600*uksim.StepNS), func() { w.interrupt(a) })
		}
	}
}

// killAlien ends an alien from outside, wherever it is.
func (w *world) killAlien(a *uksim.Alien) {
	if a.Gone() {
		return
	}
	a.Kill()
	w.ended++
}

// interrupt raises an alien's interrupt level, and lowers it a little later.
func (w *world) interrupt(a *uksim.Alien) {
	if a.Gone() {
		return
	}
	a.Interrupt(true)
	w.After(w.Rand().Uint64N(60*uksim.StepNS), func() { a.Interrupt(false) })
}

// alienProgram is what one alien does and knows.
type alienProgram struct {
	w     *world
	a     *uksim.Alien
	r     *rand.Rand
	name  string
	sum   Sum
	fds   map[uint64]*account // open descriptors; several may mean one account
	order []uint64
	n     int
}

// sys makes a system call and checks its result.
func (p *alienProgram) sys(what string, want uint64, nr uint64, args ...uint64) {
	if got := p.a.Syscall(nr, args...); got != want {
		p.w.Fail("%s: %s answers %d, must be %d", p.name, what, int64(got), int64(want))
	}
}

// slow makes a system call that may wait, so may be interrupted: then ok is false.
func (p *alienProgram) slow(nr uint64, args ...uint64) (got uint64, ok bool) {
	got = p.a.Syscall(nr, args...)
	if int64(got) == -int64(uabi.ErrInterrupted) && p.w.plan.mayInterrupt {
		return 0, false
	}
	return got, true
}

func errno(e uabi.Error) uint64 { return uint64(-int64(e)) }

func (p *alienProgram) pick() (uint64, *account) {
	fd := p.order[p.r.IntN(len(p.order))]
	return fd, p.fds[fd]
}

func (p *alienProgram) did(a *account, amount int64) {
	a.balance += uint64(amount)
	a.history = append(a.history, amount)
	p.sum.Entries++
	if amount > 0 {
		p.sum.Deposited += uint64(amount)
	} else {
		p.sum.Withdrawn += uint64(-amount)
	}
}

func (p *alienProgram) call() {
	if len(p.order) == 0 || len(p.order) < 3 && p.r.IntN(5) == 0 {
		p.open()
		return
	}
	fd, a := p.pick()
	n := 1 + p.r.Uint64N(maxAmount)
	switch p.r.IntN(12) {
	case 0:
		p.sys("deposit", a.balance+n, abi.SysDeposit, fd, n)
		p.did(a, int64(n))
	case 1, 2:
		p.sys("forwarded deposit", a.balance+n, abi.SysDepositF, fd, n)
		p.did(a, int64(n))
	case 3:
		p.sys("deposit of nothing, forwarded", errno(uabi.ErrArg), abi.SysDepositF, fd, 0)
	case 4, 5:
		if a.balance > 0 {
			n = 1 + p.r.Uint64N(a.balance)
			p.sys("withdrawal", a.balance-n, abi.SysWithdraw+p.r.Uint64N(2), fd, n)
			p.did(a, -int64(n))
		}
	case 6:
		if a.balance > 0 {
			n = 1 + p.r.Uint64N(a.balance)
			p.sys("drain", n, abi.SysDrain, fd, n)
			p.did(a, -int64(n))
		}
	case 7:
		p.transfer(fd, a)
	case 8:
		p.move(fd, a)
	case 9:
		p.drop(p.r.IntN(len(p.order)))
	case 10:
		p.export(fd, a)
	case 11:
		p.other(fd, a)
	}
}

func (p *alienProgram) open() {
	p.n++
	a := &account{name: fmt.Sprintf("%s-%d", p.name, p.n)}
	p.a.Write(alienBuf, []byte(a.name))
	fd := uint64(0)
	for p.fds[fd] != nil {
		fd++
	}
	p.sys("open", fd, abi.SysOpen, alienBuf, uint64(len(a.name)))
	p.bind(fd, a)
}

func (p *alienProgram) bind(fd uint64, a *account) {
	if p.fds == nil {
		p.fds = map[uint64]*account{}
	}
	p.fds[fd] = a
	a.opened++
	p.order = append(p.order, fd)
}

// produce opens an account and deposits total in pieces, then waits until the consumer says that it has found it.
func (p *alienProgram) produce(name string, total uint64) {
	p.a.Write(alienBuf, []byte(name))
	p.sys("open", 0, abi.SysOpen, alienBuf, uint64(len(name)))
	balance := func(n uint64) {
		if got := p.a.Syscall(abi.SysDepositF-p.r.Uint64N(2), 0, n); int64(got) < 0 || got > total {
			p.w.Fail("%s: deposit answers %d", p.name, int64(got))
		}
	}
	for left := total; left > 0; {
		n := min(left, 1+p.r.Uint64N(maxAmount))
		balance(n)
		left -= n
		p.sum.Deposited += n
		p.sum.Entries++
	}
	p.find(name+"+", 1)
	p.sys("close", 1, abi.SysClose, 1)
	p.sys("close", 0, abi.SysClose, 0)
}

// find polls for an account; fd is the number it must get.
func (p *alienProgram) find(name string, fd uint64) {
	p.a.Write(alienBuf, []byte(name))
	for {
		got := p.a.Syscall(abi.SysFind, alienBuf, uint64(len(name)))
		if got == fd {
			return
		}
		if got != errno(uabi.ErrNotFound) {
			p.w.Fail("%s: find answers %d", p.name, int64(got))
		}
		p.slow(abi.SysSleep, pollNS)
	}
}

// consume withdraws total in pieces, by calls that wait, that take what is there, and that go on after a part.
func (p *alienProgram) consume(name string, total uint64) {
	p.find(name, 0)
	p.a.Write(alienBuf, []byte(name+"+"))
	p.sys("open", 1, abi.SysOpen, alienBuf, uint64(len(name)+1))
	for left := total; left > 0; {
		n := min(left, 1+p.r.Uint64N(2*maxAmount))
		if nr := abi.SysWithdraw + p.r.Uint64N(3); nr == abi.SysDrain {
			got, ok := p.slow(nr, 0, n)
			if ok && (got == 0 || got > n || got < n && !p.w.plan.mayInterrupt) {
				p.w.Fail("%s: drain of %d answers %d", p.name, n, int64(got))
			}
			n = got
		} else if got, ok := p.slow(nr, 0, n); !ok {
			n = 0
		} else if int64(got) < 0 {
			p.w.Fail("%s: withdrawal answers %d", p.name, int64(got))
		}
		left -= n
		p.sum.Withdrawn += n
	}
	p.sys("balance after all was withdrawn", 0, abi.SysBalance, 0)
	p.sys("close", 0, abi.SysClose, 0)
	p.gone(name)
	p.sys("close", 1, abi.SysClose, 1)
}

// gone waits until nobody has the account any more.
func (p *alienProgram) gone(name string) {
	p.a.Write(alienBuf, []byte(name))
	for {
		got := p.a.Syscall(abi.SysFind, alienBuf, uint64(len(name)))
		if got == errno(uabi.ErrNotFound) {
			return
		}
		p.sys("close", got, abi.SysClose, got)
		p.slow(abi.SysSleep, pollNS)
	}
}

func (p *alienProgram) transfer(fd uint64, a *account) {
	fd2, b := p.pick()
	n := 1 + p.r.Uint64N(a.balance+maxAmount/4)
	switch {
	case a == b:
		p.sys("transfer to itself", errno(uabi.ErrArg), abi.SysTransfer, fd, fd2, n)
	case a.balance < n:
		p.sys("transfer without funds", errno(uabi.ErrNoSpace), abi.SysTransfer, fd, fd2, n)
	default:
		p.sys("transfer", a.balance-n, abi.SysTransfer, fd, fd2, n)
		p.did(a, -int64(n))
		p.did(b, int64(n))
		p.sum.Deposited -= n
		p.sum.Withdrawn -= n
	}
}

// move is dup2 onto a number that may mean something already.
func (p *alienProgram) move(fd uint64, a *account) {
	to := p.r.Uint64N(4)
	p.sys("move", to, abi.SysMove, fd, to)
	if to == fd {
		return
	}
	if b := p.fds[to]; b != nil {
		p.unbind(to, b)
	}
	p.bind(to, a)
}

func (p *alienProgram) unbind(fd uint64, a *account) {
	delete(p.fds, fd)
	for i, x := range p.order {
		if x == fd {
			p.order = append(p.order[:i], p.order[i+1:]...)
		}
	}
	if a.opened--; a.opened == 0 {
		p.sum.House += a.balance
		if a.balance > 0 {
			p.sum.Entries++
		}
	}
}

func (p *alienProgram) drop(i int) {
	fd := p.order[i]
	p.sys("close", fd, abi.SysClose, fd)
	p.unbind(fd, p.fds[fd])
}

func (p *alienProgram) close() {
	for len(p.order) > 0 {
		p.drop(len(p.order) - 1)
	}
}

func (p *alienProgram) export(fd uint64, a *account) {
	p.sys("export", uint64(len(a.name)), abi.SysExport, fd, alienBuf, maxName)
	b := make([]byte, len(a.name))
	p.a.Read(alienBuf, b)
	if string(b) != a.name {
		p.w.Fail("%s: exported %q, must be %q", p.name, b, a.name)
	}
}

const maxName = 32

// other are calls that change nothing.
func (p *alienProgram) other(fd uint64, a *account) {
	p.sys("balance", a.balance, abi.SysBalance, fd)
	p.sys("balance of a closed descriptor", errno(uabi.ErrBadFD), abi.SysBalance, 77)
	if v, ok := p.slow(abi.SysSleep, 20_000); ok && v != 0 {
		p.w.Fail("%s: sleep answers %d", p.name, v)
	}
	before := p.a.Syscall(abi.SysNone)
	after := p.a.Syscall(abi.SysNone)
	if !p.w.plan.mayInterrupt && after != before+1 {
		p.w.Fail("%s: trap count goes from %d to %d", p.name, before, after)
	}
}

// alienPlan is one seed of the storm of aliens.
func alienPlan(seed uint64) plan {
	p := plan{clients: int(seed % 2), ops: 4, aliens: 1 + int(seed/2%2), calls: 7, version: 1}
	if seed%4 == 3 {
		p.aliens, p.alienPairs, p.total = 0, 1, 300
	}
	p.sim = uksim.Config{CrashEvery: 30 << (seed % 4), MaxCrashes: 12, Crashable: append([]string{"abi"}, serverNames...), RestartDelay: 30 * uksim.StepNS}
	p.snapshots = int(seed % 3)
	p.tear = seed%2 == 0
	p.together = seed%8 >= 4
	return p
}

func TestStormOfAliensSeesNoCrash(t *testing.T) { many(t, seedCount()/4, alienPlan) }

func TestStormOfAliensWithoutCrashes(t *testing.T) {
	many(t, 20, func(seed uint64) plan {
		p := alienPlan(seed)
		p.sim.CrashEvery = 0
		return p
	})
}

func TestStormOfInterruptedAliens(t *testing.T) {
	many(t, seedCount()/8, func(seed uint64) plan {
		p := alienPlan(seed)
		p.mayInterrupt = true
		return p
	})
}

func TestStormOfAliensThatAreKilledLeavesNothingBehind(t *testing.T) {
	many(t, seedCount()/8, func(seed uint64) plan {
		p := alienPlan(seed)
		p.mayKill, p.mayInterrupt = true, seed%2 == 0
		p.alienPairs = 0 // one alone would wait for ever
		p.aliens = 2
		return p
	})
}
