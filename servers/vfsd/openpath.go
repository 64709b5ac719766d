package main

import (
	"strings"

	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
)

// An open file's path is asked for seldom, and rename moves it: it is put together from the directory and the name that the open file has. Only what
// cannot be found that way is kept in Open.Path.

// openPath is the absolute path of an open file in the caller's eyes: where it is or, when it has no name any more, was last.
func (k *call) openPath(o *state.Open) string {
	if o.Path != "" || o.At == nil {
		return o.Path
	}
	at := tree.FromPb(o.At)
	if k.isDir(o) {
		path, _ := k.tree.PathOf(&k.env, at)
		return path
	}
	return k.namedAt(at, o)
}

// below is the path of a name in a directory.
func (k *call) below(dir tree.Ref, name string) string {
	path, _ := k.tree.PathOf(&k.env, dir)
	if path == "/" {
		path = ""
	}
	return path + "/" + name
}

// nameOpen gives an open file that is being made the name under which it was found, or the path where it has none of its own.
func (k *call) nameOpen(o *state.Open, f *tree.Found) {
	o.Dir, o.Name = nameOf(f)
	if !f.Lasts {
		o.Name = strings.Clone(o.Name) // it may alias the message
	}
	if !f.OK || f.OpenFile { // of an open file reopen takes the path over
		return
	}
	if n := k.tree.InodeOf(f); n == nil || o.Dir == 0 && !n.IsDir() {
		o.Path = k.pathOf(*f)
	}
}

// pathOf is the absolute path of what a walk found.
func (k *call) pathOf(f tree.Found) string {
	if f.OpenFile {
		return "" // its number is no inode's
	}
	if n, ok := namespaceOf(f.At); ok && f.OK {
		text, _, _, _ := k.Link(number(procfs.Node{Kind: procfs.PidNs, Pid: n.Pid, N: n.N}))
		return text // it lies in no directory
	}
	if f.Last == tree.LastName {
		return k.below(f.Parent, f.Name)
	}
	path, _ := k.tree.PathOf(&k.env, f.At)
	return path
}

// lastPath is the path of an open file in a directory, or of one that is the directory itself.
type lastPath struct {
	o    *state.Open
	path string
}

// lastPaths are those that are lost with an empty directory: keepPaths has them kept once it is gone.
func (k *call) lastPaths(dir tree.Ref) (all []lastPath) {
	for _, o := range k.opens.All() {
		if o.Path == "" && o.At != nil && (o.Dir == dir.Ino || o.At.Ino == dir.Ino) {
			all = append(all, lastPath{o, k.openPath(o)})
		}
	}
	return all
}

func keepPaths(all []lastPath) {
	for _, l := range all {
		l.o.Path = l.path
	}
}

// namedAt is the path of an open file that is no directory and lies at a place, which one that is being made has not got yet.
func (k *call) namedAt(at tree.Ref, o *state.Open) string {
	if o.Path != "" {
		return o.Path
	}
	return k.below(tree.Ref{Mount: at.Mount, Ino: o.Dir}, o.Name)
}
