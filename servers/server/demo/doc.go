// Package demo is the contract of the bank, the server that the tests of package server kill at every step.
package demo
