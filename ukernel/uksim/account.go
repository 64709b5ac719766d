package uksim

import "aramid/ukernel/uabi"

// Account counts frames and objects against limits, and charges its parents too.
type Account struct {
	object
	parent              *Account
	frames, objects     uint64
	maxFrames, maxObjcs uint64 // 0: only the parent's
}

func (a *Account) kind() uabi.Type { return uabi.TypeAccount }

func (a *Account) free() {
	if a.parent != nil {
		unref(a.parent)
	}
}

// take charges; on ErrNoMem nothing is charged.
func (a *Account) take(frames, objects uint64) uabi.Error {
	for p := a; p != nil; p = p.parent {
		if p.maxFrames != 0 && p.frames+frames > p.maxFrames || p.maxObjcs != 0 && p.objects+objects > p.maxObjcs {
			return uabi.ErrNoMem
		}
	}
	for p := a; p != nil; p = p.parent {
		p.frames += frames
		p.objects += objects
	}
	return uabi.OK
}

func (a *Account) give(frames, objects uint64) {
	for p := a; p != nil; p = p.parent {
		p.frames -= frames
		p.objects -= objects
	}
}

// Frames is how many frames are charged.
func (a *Account) Frames() uint64 { return a.frames }

// Objects is how many objects are charged.
func (a *Account) Objects() uint64 { return a.objects }

// SetLimit changes the limits; 0 is the parent's.
func (a *Account) SetLimit(frames, objects uint64) { a.maxFrames, a.maxObjcs = frames, objects }

func (s *Sim) newAccount(parent *Account, frames, objects uint64) *Account {
	a := &Account{parent: parent, maxFrames: frames, maxObjcs: objects}
	s.adopt(a)
	ref(parent)
	return a
}

// AccountCreate is uk.Kernel's.
func (k *Native) AccountCreate(parent uabi.Handle, frames, objects uint64) (uabi.Handle, uabi.Error) {
	k.enter("account.create")
	p, e := get[*Account](k, parent, uabi.RightManage)
	if e != uabi.OK {
		return 0, e
	}
	return k.give(k.sim.newAccount(p, frames, objects), uabi.RightsAll)
}

// AccountLimit is uk.Kernel's.
func (k *Native) AccountLimit(h uabi.Handle, frames, objects uint64) uabi.Error {
	k.enter("account.limit")
	a, e := get[*Account](k, h, uabi.RightManage)
	if e == uabi.OK {
		a.SetLimit(frames, objects)
	}
	return e
}

// AccountInfo is uk.Kernel's.
func (k *Native) AccountInfo(h uabi.Handle) (frames, objects uint64, err uabi.Error) {
	k.enter("account.info")
	a, e := get[*Account](k, h, uabi.RightManage)
	if e != uabi.OK {
		return 0, 0, e
	}
	return a.frames, a.objects, uabi.OK
}
