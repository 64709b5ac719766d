package tree

import "aramid/servers/vfsd/state"

// MountWith is the first mount of a file system, one of the caller's namespace if there is one there, or nil.
func (t *Tree) MountWith(e *Env, fs uint64) *state.Mount {
	list := t.which(func(m *state.Mount) bool { return m.Fs == fs })
	for _, m := range list {
		if m.Ns == e.NS {
			return m
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}
