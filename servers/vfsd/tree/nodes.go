package tree

import "aramid/servers/vfsd/state"

// MountWith is the first mount of a file system, or nil.
func (t *Tree) MountWith(fs uint64) *state.Mount {
	for _, id := range t.mountIDs() {
		if t.mounts[id].Fs == fs {
			return t.mounts[id]
		}
	}
	return nil
}
