// Package main is a kernel with more code than is allowed.
package main

func entry()

func main() { entry() }
