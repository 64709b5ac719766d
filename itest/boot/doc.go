// Package boot tests the machine layer in QEMU: images of the tiny kernel (itest/boot/tiny: ring 3, timer, all CPUs, panics on request) and of
// the real one are built and started. Each test waits for positive words on the log, and for the power-off status.
package boot
