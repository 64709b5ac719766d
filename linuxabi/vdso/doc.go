// Package vdso makes the shared object that Linux maps into every process (vdso(7)): clocks and the CPU's number without a system call. It
// is pure: bytes out. The kernel's clock page (uabi.ClockPage…) lies in the page below the image.
package vdso
