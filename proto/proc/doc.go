// Package proc is the contract of procd: processes, threads, credentials, signals and descriptor tables (proc.proto).
package proc
