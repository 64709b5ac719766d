// Package distro boots the unmodified Debian of make rootfs and uses it as somebody at its console would, also while servers are killed and
// replaced. Every test waits for a positive word; a hang, a [FAILED] or a gap that gaps.txt does not allow is a failure.
package distro
