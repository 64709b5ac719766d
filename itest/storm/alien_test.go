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
	w.started++
	sp := w.NewSpace()
	sp.Map(alienData, alienSize, uabi.ProtRead|uabi.ProtWrite)
	r := rand.New(rand.NewPCG(w.Rand().Uint64(), 2))
	p := &alienProgram{w: w, r: r, name: fmt.Sprintf("a%d", i)}
	a := w.NewAlien(sp, w.Process("abi").Endpoint(), func(a *uksim.Alien) {
		p.a = a
		for range w.plan.calls {
			p.call()
		}
		p.close()
		w.sum.Add(p.sum)
		w.ended++
		a.Kill()
		a.Step()
	})
	if w.plan.mayKill && i == 0 {
		w.After(w.Rand().Uint64N(400*uksim.StepNS), func() { w.killAlien(a, p) })
	}
	if w.plan.mayInterrupt {
		for range 3 {
			w.After(w.Rand().Uint64N(600*uksim.StepNS), func() { w.interrupt(a) })
		}
	}
}

// killAlien ends an alien from outside, wherever it is. What it deposited is then the house's.
func (w *world) killAlien(a *uksim.Alien, p *alienProgram) {
	if a.Gone() {
		return
	}
	a.Kill()
	w.ended++
	w.killed = append(w.killed, p)
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

// sys makes a system call and checks its result; of those that may be interrupted ok is false.
func (p *alienProgram) sys(what string, want uint64, nr uint64, args ...uint64) (ok bool) {
	got := p.a.Syscall(nr, args...)
	if int64(got) == -int64(uabi.ErrInterrupted) && p.w.plan.mayInterrupt {
		return false
	}
	if got != want {
		p.w.Fail("%s: %s answers %d, must be %d", p.name, what, int64(got), int64(want))
	}
	return true
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
	p.sys("sleep", 0, abi.SysSleep, 20_000)
	before := p.a.Syscall(abi.SysNone)
	after := p.a.Syscall(abi.SysNone)
	if !p.w.plan.mayInterrupt && after != before+1 {
		p.w.Fail("%s: trap count goes from %d to %d", p.name, before, after)
	}
}

// alienPlan is one seed of the storm of aliens.
func alienPlan(seed uint64) plan {
	p := plan{clients: int(seed % 2), ops: 4, aliens: 1 + int(seed/2%2), calls: 7, version: 1}
	p.sim = uksim.Config{CrashEvery: 30 << (seed % 4), MaxCrashes: 12, Crashable: append([]string{"abi"}, serverNames...), RestartDelay: 30 * uksim.StepNS}
	return p
}

func TestStormOfAliensSeesNoCrash(t *testing.T) { many(t, seedCount()/2, alienPlan) }

func TestStormOfAliensWithoutCrashes(t *testing.T) {
	many(t, 20, func(seed uint64) plan {
		p := alienPlan(seed)
		p.sim.CrashEvery = 0
		return p
	})
}

func TestStormOfInterruptedAliens(t *testing.T) {
	many(t, seedCount()/4, func(seed uint64) plan {
		p := alienPlan(seed)
		p.mayInterrupt = true
		return p
	})
}
