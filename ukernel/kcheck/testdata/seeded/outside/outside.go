// Package outside is not the arch package and yet has a privileged instruction.
package outside

// Disable turns interrupts off.
func Disable()
