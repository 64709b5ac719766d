// Command mkuserland makes the built-in userland (package userland) and puts it where it is asked to.
package main

import (
	"flag"
	"fmt"
	"os"

	"aramid/boot/cache"
	"aramid/boot/userland"
)

func main() {
	out := flag.String("o", "build/userland.cpio", "`FILE` to write")
	flag.Parse()
	path, err := userland.Build(func(step string) { fmt.Println("userland:", step) })
	if err == nil {
		err = cache.Place(path, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "userland:", err)
		os.Exit(1)
	}
}
