//go:build !ukernel

package main

func main() {}
