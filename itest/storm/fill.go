package storm

import (
	pb "aramid/itest/ledger/proto"
	"aramid/ukernel/uabi"
)

// Filled is an account with many entries.
type Filled struct {
	c *Client
	a *account
}

// Fill opens an account and gives it n entries.
func (c *Client) Fill(name string, n int) (f *Filled, err error) {
	defer caught(&err)
	a := &account{name: name}
	a.h = c.openAs(name)
	for range n {
		var out pb.BalanceReply
		c.check("deposit", c.at(a).Deposit(c.T, &pb.AmountRequest{Amount: 1}, &out), uabi.OK)
		c.did(a, 1)
		c.Sum.Deposited++
		c.equal("balance after a deposit", out.Balance, a.balance)
	}
	return &Filled{c, a}, nil
}

// Gap asks for the balance for a time and returns the longest call, both in ns.
func (f *Filled) Gap(ns uint64) (longest uint64, err error) {
	defer caught(&err)
	start, _ := f.c.K.Clock(uabi.ClockMonotonic)
	for now := start; now-start < ns; {
		var out pb.BalanceReply
		f.c.check("balance", f.c.at(f.a).Balance(f.c.T, &pb.EmptyRequest{}, &out), uabi.OK)
		f.c.equal("balance", out.Balance, f.a.balance)
		then := now
		now, _ = f.c.K.Clock(uabi.ClockMonotonic)
		longest = max(longest, now-then)
	}
	return longest, nil
}

// Drop closes the account.
func (f *Filled) Drop() (err error) {
	defer caught(&err)
	f.c.closed(f.a.balance)
	f.c.check("close", f.c.K.Close(f.a.h), uabi.OK)
	return nil
}

// Operations is version 2's counter, or the answer of version 1, which has none.
func (c *Client) Operations() (n uint64, err uabi.Error) {
	var out pb.BalanceReply
	err = c.plain().Operations(c.T, &pb.EmptyRequest{}, &out)
	return out.Balance, err
}
