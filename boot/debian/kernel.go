package debian

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"aramid/boot/cache"
)

// KernelPackage always depends on Debian's newest kernel for virtual machines.
const KernelPackage = "linux-image-cloud-amd64"

// Kernel gives the path of Debian's Linux kernel in the cache. It is what tests and benchmarks compare with; it is downloaded and unpacked, not
// installed. say is told how it goes on.
func Kernel(say func(string)) (string, error) {
	pkg, err := kernelPackage()
	if err != nil {
		return "", err
	}
	return cache.File(pkg+".vmlinuz", func(path string) error {
		say("downloading " + pkg)
		return fetchKernel(path, pkg)
	})
}

// kernelPackage is the package that KernelPackage depends on.
func kernelPackage() (string, error) {
	out, err := exec.Command("apt-cache", "depends", KernelPackage).CombinedOutput()
	for l := range strings.Lines(string(out)) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(l), "Depends: "); ok && strings.HasPrefix(p, "linux-image-") {
			return p, nil
		}
	}
	return "", fmt.Errorf("apt-cache depends %s: %w\n%s\nrun `apt-get update`", KernelPackage, errors.Join(err, errors.New("no kernel")), out)
}

// fetchKernel downloads and unpacks the package and copies its kernel to path.
func fetchKernel(path, pkg string) error {
	dir, err := os.MkdirTemp("", "aramid-kernel-") // apt's own user must be able to read the path
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	get := exec.Command("apt-get", "download", pkg)
	get.Dir = dir
	if out, err := get.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get download %s: %w\n%s", pkg, err, out)
	}
	debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(debs) != 1 {
		return fmt.Errorf("apt-get download %s gave %q (%w)", pkg, debs, err)
	}
	if out, err := exec.Command("dpkg", "-x", debs[0], dir).CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg -x %s: %w\n%s", debs[0], err, out)
	}
	return copyFile(path, filepath.Join(dir, "boot", "vmlinuz-"+strings.TrimPrefix(pkg, "linux-image-")))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
