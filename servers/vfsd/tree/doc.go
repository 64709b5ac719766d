// Package tree is vfsd's model of names: inodes, directories, mounts and the path walk. It is pure: no kernel, no clock, no
// other server; what it needs to know comes in through Env, and what it wants closed comes out of Freed.
//
// # Words
//
// A Ref is where a walk can stand: an inode seen through a mount. Mounts cover Refs, not inodes, so the same directory may
// be covered below one mount and bare below another. Inodes of all file systems share one number space; numbers from
// SyntheticBase up belong to synthetic file systems (procfs), whose nodes exist only as numbers (see Synth).
//
// # Invariants
//
//   - An inode lives while nlink > 0 or opens > 0; Drop and unlink release it and put its memory handle on the Freed list.
//   - A directory has one parent and one name (kept beside it, so that getcwd needs no search); a removed directory keeps its
//     parent number but has nlink 0 and no entries.
//   - An inode with base set is exactly what the image has, so a snapshot need not hold it; it is read when it is first looked at (Base). Whoever
//     changes an inode calls touch first. Lower says that entries or contents are the image's; own takes a directory's over.
//   - Who holds an inode is not state: it follows from mounts, contexts and open files, which hold again after a snapshot was loaded.
//   - Cookies of directory entries only grow, so a reader that goes on after a cookie neither loses nor repeats an entry.
//   - Checks come before changes: an operation that returns an error has changed nothing.
package tree
