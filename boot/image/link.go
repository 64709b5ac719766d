package image

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kernelCompile leaves out the check for a running garbage collector at each store of a pointer: none ever runs in ring 0, and the checks
// are a tenth of the code.
const kernelCompile = "aramid/...=-wb=false"

// Kernel link flags: the entry point, and text at hw.KernelVirtual + hw.KernelBase + 0x1000 (-T is a signed number). GOAMD64 v1, since
// the kernel runs with OSXSAVE clear. Package main's linkname definitions need -checklinkname=0.
const (
	kernelLink = "-E aramid/ukernel/arch/amd64.Entry -T -0x7fdff000 -checklinkname=0 -buildid="
	kernelTags = "ukernel"
	serverLink = "-buildid= -s -w"
)

// LinkKernel runs go build for a kernel main package in the module at dir, and removes the stack checks (TrimStackChecks).
func LinkKernel(dir, pkg, output string, tags ...string) error {
	all := kernelTags
	for _, t := range tags {
		all += "," + t
	}
	if err := build(dir, output, []string{pkg}, "-tags", all, "-gcflags", kernelCompile, "-ldflags", kernelLink); err != nil {
		return err
	}
	return TrimStackChecks(filepath.Join(dirOf(dir, output), filepath.Base(output)))
}

// LinkServer runs go build for a static program of the boot archive.
func LinkServer(dir, pkg, output string) error {
	return build(dir, output, []string{pkg}, "-ldflags", serverLink)
}

// LinkServers is LinkServer for several programs at once; each goes under its package's last name into the directory into.
func LinkServers(dir, into string, pkgs ...string) error {
	return build(dir, into+string(filepath.Separator), pkgs, "-ldflags", serverLink)
}

// dirOf is the directory of a path that is relative to dir, as the command go sees it.
func dirOf(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Dir(path)
	}
	return filepath.Join(dir, filepath.Dir(path))
}

func build(dir, output string, pkgs []string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", output}, flags...)
	cmd := exec.Command("go", append(args, pkgs...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOFLAGS=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(pkgs, " "), err, out.Bytes())
	}
	return nil
}
