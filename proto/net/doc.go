// Package net is the contract of netd: sockets (net.proto).
package net
