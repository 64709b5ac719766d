// Package root is the contract of rootd: which image runs where (root.proto). It is served on rootd's endpoint and, framed, on the control channel.
package root
