package main

import (
	"fmt"

	"aramid/ukernel/uabi"
)

// Limits of the account that limits makes, and how far beyond them it goes.
const (
	limitFrames  = 64
	limitObjects = 16
	pageSize     = 4096
	beyond       = 4
)

// limits makes an account with limits and draws on it until each of them bites.
func (p *program) limits() (string, error) {
	a, e := p.k.AccountCreate(uabi.BootAccount, limitFrames, limitObjects)
	if e != uabi.OK {
		return "", errorOf("account", e)
	}
	defer p.k.Close(a)
	m, e := p.k.MemoryCreate(a, beyond*limitFrames*pageSize, 0)
	if e != uabi.OK {
		return "", errorOf("memory", e)
	}
	page := make([]byte, pageSize)
	frames := uint64(0)
	for ; frames < beyond*limitFrames; frames++ {
		if _, e = p.k.MemoryWrite(m, frames*pageSize, page); e != uabi.OK {
			break
		}
	}
	if e != uabi.ErrNoMem || frames > limitFrames {
		return "", fmt.Errorf("%d frames were written, then %v; the limit is %d", frames, e, limitFrames)
	}
	var events []uabi.Handle
	for range beyond * limitObjects {
		var ev uabi.Handle
		if ev, e = p.k.EventCreate(a); e != uabi.OK {
			break
		}
		events = append(events, ev)
	}
	made := len(events)
	for _, ev := range events {
		p.k.Close(ev)
	}
	p.k.Close(m)
	if e != uabi.ErrNoMem || made > limitObjects {
		return "", fmt.Errorf("%d events were made, then %v; the limit is %d objects", made, e, limitObjects)
	}
	return fmt.Sprintf("%d frames, %d events", frames, made), nil
}

// eat takes all memory but the reserve: the account that it makes itself may not draw on that.
func (p *program) eat() (string, error) {
	var s uabi.SystemInfo
	if e := p.k.SystemInfo(&s); e != uabi.OK {
		return "", errorOf("system information", e)
	}
	a, e := p.k.AccountCreate(uabi.BootAccount, 0, 0)
	if e != uabi.OK {
		return "", errorOf("account", e)
	}
	defer p.k.Close(a)
	m, e := p.k.MemoryCreate(a, s.FramesTotal*pageSize, 0)
	if e != uabi.OK {
		return "", errorOf("memory", e)
	}
	p.food = m
	page := make([]byte, pageSize)
	for n := uint64(0); n < s.FramesTotal; n++ {
		if _, e := p.k.MemoryWrite(m, n*pageSize, page); e != uabi.OK {
			if e != uabi.ErrNoMem {
				return "", errorOf("writing memory", e)
			}
			return fmt.Sprintf("%d of %d frames", n, s.FramesTotal), nil
		}
	}
	return "", fmt.Errorf("all %d frames could be taken", s.FramesTotal)
}
