// Package proto is the contract of the benchmark's echo server.
package proto
