// Package creds has the rules by which a process may change its credentials (credentials(7), capabilities(7)). It is pure.
package creds

import (
	"slices"

	"aramid/proto/proc"
	"aramid/servers/procd/state"
	"aramid/ukernel/uabi"
)

// Capabilities that are checked here or in procd.
const (
	Kill       = 5
	SetGID     = 6
	SetUID     = 7
	SetPCap    = 8
	SysPtrace  = 19
	SysAdmin   = 21
	SysNice    = 23
	SysResrc   = 24
	SysTime    = 25
	Last       = 40 // the highest that there is
	All        = 1<<(Last+1) - 1
	fsCapsMask = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<9 | 1<<27 | 1<<32 // capabilities(7): what a fsuid of 0 gives
)

// Secure bits (capabilities(7), "The securebits flags"): each has a lock in the bit above it.
const (
	NoRoot         = 1 << 0
	NoSetuidFixup  = 1 << 2
	KeepCaps       = 1 << 4
	NoAmbientRaise = 1 << 6
	secureBits     = NoRoot | NoSetuidFixup | KeepCaps | NoAmbientRaise
	secureLocks    = secureBits << 1
)

// MaySecure reports whether secure bits may be replaced by want: what is locked stays, and locks stay.
func MaySecure(old uint32, want uint64) bool {
	locks := uint64(old) & secureLocks
	return want&^(secureBits|secureLocks) == 0 && (uint64(old)^want)&(locks>>1) == 0 && locks&^want == 0
}

// Root is what process 1 starts with.
func Root(id uint64) *state.Creds {
	return &state.Creds{Id: id, Effective: All, Permitted: All, Bounding: All}
}

// Has reports whether a capability is effective.
func Has(c *state.Creds, capability int) bool { return c.Effective>>capability&1 != 0 }

// Clone copies a record under a new id.
func Clone(c *state.Creds, id uint64) *state.Creds {
	return &state.Creds{
		Id: id, Ruid: c.Ruid, Euid: c.Euid, Suid: c.Suid, Fsuid: c.Fsuid, Rgid: c.Rgid, Egid: c.Egid, Sgid: c.Sgid, Fsgid: c.Fsgid,
		Groups: slices.Clone(c.Groups), Effective: c.Effective, Permitted: c.Permitted, Inheritable: c.Inheritable,
		Bounding: c.Bounding, Ambient: c.Ambient,
	}
}

// Apply makes the record that a SetCreds request asks for, or says why it may not be.
func Apply(old *state.Creds, in *proc.SetCredsRequest, secure uint32, id uint64) (*state.Creds, uabi.Error) {
	c := Clone(old, id)
	uids := []uint32{old.Ruid, old.Euid, old.Suid, old.Fsuid}
	gids := []uint32{old.Rgid, old.Egid, old.Sgid, old.Fsgid}
	if !set(Has(old, SetUID), uids, []*uint32{in.Ruid, in.Euid, in.Suid, in.Fsuid}, []*uint32{&c.Ruid, &c.Euid, &c.Suid, &c.Fsuid}) ||
		!set(Has(old, SetGID), gids, []*uint32{in.Rgid, in.Egid, in.Sgid, in.Fsgid}, []*uint32{&c.Rgid, &c.Egid, &c.Sgid, &c.Fsgid}) {
		return nil, uabi.ErrPerm
	}
	if in.SetGroups {
		if !Has(old, SetGID) {
			return nil, uabi.ErrPerm
		}
		c.Groups = slices.Clone(in.Groups)
	}
	// An fsuid follows its effective id unless it is set itself (setfsuid(2)).
	if in.Euid != nil && in.Fsuid == nil {
		c.Fsuid = c.Euid
	}
	if in.Egid != nil && in.Fsgid == nil {
		c.Fsgid = c.Egid
	}
	if secure&NoSetuidFixup == 0 {
		dropped(old, c, secure&KeepCaps != 0)
	}
	if err := capset(old, c, in); err != uabi.OK {
		return nil, err
	}
	return c, uabi.OK
}

// set changes those ids that are present, each to one of the old ones unless the caller is privileged.
func set(privileged bool, old []uint32, want, to []*uint32) bool {
	for i, w := range want {
		if w == nil {
			continue
		}
		if !privileged && !slices.Contains(old, *w) {
			return false
		}
		*to[i] = *w
	}
	return true
}

// dropped adjusts capabilities when user ids change from and to 0 (capabilities(7), "Effect of user ID changes").
func dropped(old, c *state.Creds, keep bool) {
	wasRoot := old.Ruid == 0 || old.Euid == 0 || old.Suid == 0
	isRoot := c.Ruid == 0 || c.Euid == 0 || c.Suid == 0
	if wasRoot && !isRoot {
		if !keep {
			c.Permitted, c.Effective = 0, 0
		}
		c.Ambient = 0
	}
	switch {
	case old.Euid == 0 && c.Euid != 0:
		c.Effective = 0
	case old.Euid != 0 && c.Euid == 0:
		c.Effective = c.Permitted
	}
	switch {
	case old.Fsuid == 0 && c.Fsuid != 0:
		c.Effective &^= fsCapsMask
	case old.Fsuid != 0 && c.Fsuid == 0:
		c.Effective |= c.Permitted & fsCapsMask
	}
}

// capset applies capset(2), the bounding set and the ambient set.
func capset(old, c *state.Creds, in *proc.SetCredsRequest) uabi.Error {
	if in.Permitted != nil {
		if *in.Permitted&^old.Permitted != 0 {
			return uabi.ErrPerm
		}
		c.Permitted = *in.Permitted
	}
	if in.Effective != nil {
		c.Effective = *in.Effective
	}
	if c.Effective&^c.Permitted != 0 {
		return uabi.ErrPerm
	}
	if in.Inheritable != nil {
		allowed := old.Inheritable | old.Permitted
		if Has(old, SetPCap) {
			allowed = ^uint64(0)
		}
		if *in.Inheritable&^allowed != 0 || *in.Inheritable&^(old.Inheritable|old.Bounding) != 0 {
			return uabi.ErrPerm
		}
		c.Inheritable = *in.Inheritable
	}
	if in.Bounding != nil {
		if !Has(old, SetPCap) || *in.Bounding&^old.Bounding != 0 {
			return uabi.ErrPerm
		}
		c.Bounding = *in.Bounding
	}
	if in.Ambient != nil {
		if *in.Ambient&^(c.Permitted&c.Inheritable) != 0 {
			return uabi.ErrPerm
		}
		c.Ambient = *in.Ambient
	}
	c.Ambient &= c.Permitted & c.Inheritable
	return uabi.OK
}

// Program is what of an executable changes its process's credentials: the set-id bits of its file, where they count.
type Program struct {
	SetUID, SetGID bool
	UID, GID       uint32 // of the file
}

// Exec gives the credentials after exec (capabilities(7), "Transformation of capabilities during execve"); there are no file
// capabilities. secured is AT_SECURE: the program has more rights than who started it.
func Exec(old *state.Creds, secure uint32, p Program, id uint64) (c *state.Creds, secured bool) {
	c = Clone(old, id)
	if p.SetUID {
		c.Euid = p.UID
	}
	if p.SetGID {
		c.Egid = p.GID
	}
	setID := c.Euid != old.Ruid || c.Egid != old.Rgid
	if setID {
		c.Ambient = 0
	}
	c.Suid, c.Fsuid, c.Sgid, c.Fsgid = c.Euid, c.Euid, c.Egid, c.Egid
	c.Permitted, c.Effective = c.Ambient, c.Ambient
	if secure&NoRoot == 0 && (c.Ruid == 0 || c.Euid == 0) {
		c.Permitted |= c.Inheritable | c.Bounding
		if c.Euid == 0 {
			c.Effective = c.Permitted
		}
	}
	return c, setID || c.Ruid != 0 && c.Permitted&^c.Ambient != 0
}

// Same reports whether two records differ only in their number.
func Same(a, b *state.Creds) bool {
	return a.Ruid == b.Ruid && a.Euid == b.Euid && a.Suid == b.Suid && a.Fsuid == b.Fsuid &&
		a.Rgid == b.Rgid && a.Egid == b.Egid && a.Sgid == b.Sgid && a.Fsgid == b.Fsgid && slices.Equal(a.Groups, b.Groups) &&
		a.Effective == b.Effective && a.Permitted == b.Permitted && a.Inheritable == b.Inheritable &&
		a.Bounding == b.Bounding && a.Ambient == b.Ambient
}

// MaySignal is kill(2)'s rule: the sender's real or effective id is the target's real or saved one.
func MaySignal(from, to *state.Creds) bool {
	return Has(from, Kill) || from.Euid == to.Suid || from.Euid == to.Ruid || from.Ruid == to.Suid || from.Ruid == to.Ruid
}
