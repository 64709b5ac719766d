// Command mkrootfs makes the Debian root file system (package debian) and puts it where it is asked to.
package main

import (
	"flag"
	"fmt"
	"os"

	"aramid/boot/cache"
	"aramid/boot/debian"
)

func main() {
	out := flag.String("o", "build/debian-12.erofs", "`FILE` to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "rootfs:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	path, err := debian.Root(func(step string) { fmt.Println("rootfs:", step) })
	if err != nil {
		return err
	}
	if err := cache.Place(path, out); err != nil {
		return err
	}
	fmt.Printf("rootfs: %s (cached as %s)\n", out, path)
	return nil
}
