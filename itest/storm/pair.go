package storm

import (
	pb "aramid/itest/ledger/proto"
	"aramid/ukernel/uabi"
)

// Produce opens an account under a name and deposits total into it in random pieces.
func (c *Client) Produce(name string, total uint64) (err error) {
	defer caught(&err)
	h := c.openAs(name)
	for left := total; left > 0; {
		n := min(left, c.amount())
		var out pb.BalanceReply
		c.check("deposit for another", pb.LedgerClient{H: h}.Deposit(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.OK)
		left -= n
		c.Sum.Deposited += n
		c.Sum.Entries++
		c.Sum.Operations++
	}
	// The consumer's handle keeps the account: hand over before letting go.
	c.check("close", c.K.Close(c.waitFor(name+"-found")), uabi.OK)
	c.check("close", c.K.Close(h), uabi.OK)
	return nil
}

// Consume finds the account that Produce opened and withdraws total from it in random pieces, waiting for funds.
func (c *Client) Consume(name string, total uint64) (err error) {
	defer caught(&err)
	h := c.waitFor(name)
	done := c.openAs(name + "-found")
	for left := total; left > 0; {
		n := min(left, c.amount())
		left -= c.consume(pb.LedgerClient{H: h}, n)
	}
	var out pb.BalanceReply
	c.check("balance", pb.LedgerClient{H: h}.Balance(c.T, &pb.EmptyRequest{}, &out), uabi.OK)
	c.equal("balance after all was withdrawn", out.Balance, 0)
	c.check("close", c.K.Close(h), uabi.OK)
	// The producer looks for this account; it is empty when its last handle goes.
	c.waitGone(name)
	c.check("close", c.K.Close(done), uabi.OK)
	return nil
}

// consume takes n at once, or what is there.
func (c *Client) consume(l pb.LedgerClient, n uint64) uint64 {
	whole := c.Rand.IntN(2) == 0
	for {
		var out pb.BalanceReply
		var err uabi.Error
		if whole {
			err = l.Withdraw(c.T, &pb.AmountRequest{Amount: n}, &out)
		} else {
			err = l.Drain(c.T, &pb.AmountRequest{Amount: n}, &out)
		}
		if err == uabi.ErrWait {
			c.Sum.Calls++
			c.T.Wait()
			continue
		}
		c.check("withdrawal of another's deposits", err, uabi.OK)
		if !whole {
			n = out.Balance
		}
		c.Sum.Withdrawn += n
		c.Sum.Entries++
		c.Sum.Operations++
		return n
	}
}

// pollNS is how long waitFor sleeps between looks.
const pollNS = 50_000

// sleep passes time.
func (c *Client) sleep() {
	ev, err := c.K.EventCreate(uabi.BootAccount)
	c.check("event", err, uabi.OK)
	now, _ := c.K.Clock(uabi.ClockMonotonic)
	c.K.EventWait(ev, 1, 0, now+pollNS)
	c.K.Close(ev)
}

// waitFor finds an account as soon as it exists.
func (c *Client) waitFor(name string) uabi.Handle {
	for {
		var out pb.AccountReply
		err := c.plain().Find(c.T, &pb.FindRequest{Name: name}, &out)
		if err != uabi.ErrNotFound {
			c.check("find", err, uabi.OK)
			return uabi.Handle(out.Account)
		}
		c.Sum.Calls++
		c.sleep()
	}
}

// waitGone returns when no account has the name any more.
func (c *Client) waitGone(name string) {
	for {
		var out pb.AccountReply
		err := c.plain().Find(c.T, &pb.FindRequest{Name: name}, &out)
		if err == uabi.ErrNotFound {
			c.Sum.Calls++
			return
		}
		c.check("find", err, uabi.OK)
		c.check("close", c.K.Close(uabi.Handle(out.Account)), uabi.OK)
		c.sleep()
	}
}
