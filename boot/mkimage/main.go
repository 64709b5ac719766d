// Mkimage makes a boot image.
//
//	mkimage -o build/aramid.img -kernel PKG|FILE [-servers DIR] [name=path …]
//
// A path that is a directory is a package: it is built.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aramid/boot/image"
)

func main() {
	out := flag.String("o", "build/aramid.img", "image to write")
	kernel := flag.String("kernel", "./ukernel/main", "kernel: a package to build, or a linked file")
	elf := flag.String("elf", "build/kernel.elf", "where to keep the linked kernel, with symbols for gdb")
	servers := flag.String("servers", "", "directory whose programs go into the archive under their names")
	verify := flag.Bool("verify", true, "refuse a kernel that breaks a rule of kcheck")
	flag.Parse()
	if err := run(*out, *kernel, *elf, *servers, *verify, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run(out, kernel, elf, servers string, verify bool, args []string) error {
	var files []image.File
	if servers != "" {
		entries, err := os.ReadDir(servers) // sorted by name
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() {
				files = append(files, image.File{Name: e.Name(), Path: filepath.Join(servers, e.Name())})
			}
		}
	}
	for _, a := range args {
		name, path, ok := strings.Cut(a, "=")
		if !ok {
			return fmt.Errorf("%q is not name=path", a)
		}
		if fi, err := os.Stat(path); err == nil && fi.IsDir() {
			dir, err := os.MkdirTemp("", "mkimage")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			exe := filepath.Join(dir, "program")
			if err := image.LinkServer(".", "./"+filepath.ToSlash(filepath.Clean(path)), exe); err != nil {
				return err
			}
			path = exe
		}
		files = append(files, image.File{Name: name, Path: path})
	}
	if fi, err := os.Stat(kernel); err != nil || fi.IsDir() {
		if err := os.MkdirAll(filepath.Dir(elf), 0o755); err != nil {
			return err
		}
		if err := image.LinkKernel(".", kernel, elf); err != nil {
			return err
		}
		if err := writeGDB(elf); err != nil {
			return err
		}
		kernel = elf
	}
	return image.Build(image.Options{Kernel: kernel, Files: files, Output: out, Verify: verify})
}

// writeGDB leaves a gdb script beside the linked kernel, for a QEMU started with -s -S.
func writeGDB(elf string) error {
	abs, err := filepath.Abs(elf)
	if err != nil {
		return err
	}
	script := fmt.Sprintf("file %s\ntarget remote localhost:1234\nhbreak 'main.boot'\n", abs)
	return os.WriteFile(strings.TrimSuffix(elf, filepath.Ext(elf))+".gdb", []byte(script), 0o644)
}
