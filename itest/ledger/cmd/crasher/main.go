// Command crasher dies as soon as it is started, every time.
package main

func main() { panic("crasher: as every time") }
