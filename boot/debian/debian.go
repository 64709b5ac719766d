// Package debian makes root file systems from Debian's own packages, none of them changed. It takes them from the sources that this machine
// already uses, has mmdebstrap install them into a tar archive and writes that as an EROFS image (docs/boot.md).
package debian

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"aramid/boot/cache"
)

// Suite is the release that roots are made of: Debian 12.
const Suite = "bookworm"

// Packages are what is installed beside Debian's essential packages and apt. usr-is-merged takes the place of usrmerge, which needs perl.
var Packages = []string{"bash", "coreutils", "findutils", "grep", "less", "login", "procps", "sed", "systemd", "systemd-sysv", "usr-is-merged", "util-linux"}

// recipe changes when the same packages would give another image.
const recipe = "1"

// Root gives the path of the image in the cache, which is made if it is not there. say is told how it goes on.
func Root(say func(string)) (string, error) {
	sources, err := sources()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, s := range slices.Concat([]string{recipe}, Packages, sources) {
		fmt.Fprintln(h, s)
	}
	for _, u := range units {
		fmt.Fprintln(h, u.name, u.text)
	}
	name := "debian-12-" + hex.EncodeToString(h.Sum(nil))[:16] + ".erofs"
	return cache.File(name, func(path string) error { return build(path, sources, say) })
}

// standard are the sources of a machine that names none for the suite.
var standard = []string{
	"deb http://deb.debian.org/debian " + Suite + " main",
	"deb http://deb.debian.org/debian " + Suite + "-updates main",
	"deb http://deb.debian.org/debian-security " + Suite + "-security main",
}

// sources are this machine's sources of the suite, in the one-line format of sources.list(5), sorted.
func sources() ([]string, error) {
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(RELEASE) deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("apt-get indextargets: %w", err)
	}
	return ofSuite(string(out)), nil
}

// ofSuite takes Debian's own main sources of the suite out of apt's list.
func ofSuite(targets string) []string {
	var found []string
	for l := range strings.Lines(targets) {
		f := strings.Fields(l)
		if len(f) == 7 && f[0] == "Debian" && f[1] == "main" && (f[2] == Suite || strings.HasPrefix(f[2], Suite+"-")) {
			found = append(found, strings.Join(f[3:], " "))
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	for _, s := range found {
		if strings.Contains(s, " "+Suite+" ") {
			return found
		}
	}
	return standard
}

// build makes the image at path.
func build(path string, sources []string, say func(string)) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "rootfs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	archive := filepath.Join(dir, "root.tar")
	if err := bootstrap(archive, sources, say); err != nil {
		return err
	}
	say("writing the EROFS image")
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	return convert(path, in)
}

// bootstrap has mmdebstrap install the packages into a tar archive. What mmdebstrap copies from this machine (its name, its resolver) is taken
// out again.
func bootstrap(archive string, sources []string, say func(string)) error {
	args := []string{"--variant=minbase", "--include=" + strings.Join(Packages, ","), "--hook-directory=/usr/share/mmdebstrap/hooks/merged-usr",
		`--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"`, "--format=tar", Suite, archive}
	cmd := exec.Command("mmdebstrap", append(args, sources...)...)
	var log bytes.Buffer
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("mmdebstrap: %w; run `make deps`", err)
	}
	for s := bufio.NewScanner(pipe); s.Scan(); {
		log.WriteString(s.Text() + "\n")
		if step, ok := strings.CutPrefix(s.Text(), "I: "); ok && strings.HasSuffix(step, "...") && !strings.Contains(step, "hook") && !strings.Contains(step, "tempdir") {
			say(strings.TrimSuffix(step, "..."))
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, log.Bytes())
	}
	return nil
}
