// Fuzz is a rootd that makes random native calls and looks for what they break or leave behind.
//
// rootd starts itself again as a child with an account of its own, where several threads make the calls: three in four with
// arguments that fit but for one in ten, the others with numbers, handles, pointers and lengths at random. A child that ends
// itself (it can unmap its own text) or hangs is replaced by one with the next seed. When the child is gone, its account must
// be empty again, and the machine must have as many objects and handles as before.
//
// Words of the command line: aramid.fuzz=N calls in all, aramid.seed=S the first seed, which is printed.
package main
