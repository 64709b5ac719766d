package ipc

import "aramid/ukernel/arch"

// wordAt is the 32-bit word at physical address pa.
func wordAt(pa uint64) *uint32 {
	// Safety: pa is 4-aligned RAM that a space maps; the kernel lock keeps it from being freed meanwhile.
	return (*uint32)(arch.Ptr(pa))
}
