package image

import (
	"fmt"
	"os"

	"aramid/ukernel/arch/hw"
)

// File is one file of the boot archive: Data, or if that is nil the content of Path.
type File struct {
	Name string // name in the archive, without a leading slash
	Path string
	Data []byte
}

// Options says what goes into an image.
type Options struct {
	Kernel string // path of the linked kernel (see LinkKernel)
	Files  []File // the boot archive, in this order
	Output string // path of the image
	// Verify runs kcheck over the kernel: violations are errors, and all that cannot run is overwritten with traps. Without it only
	// functions of the runtime that are not known to be harmless are.
	Verify bool
	// Damage, for tests of the boot's own checks, changes one byte of the archive after its checksum was taken.
	Damage bool
	// NoArchive leaves the archive out; for the same tests.
	NoArchive bool
}

// Build writes the image. On an error the output may be missing but is never half an image.
func Build(o Options) error {
	k, err := readKernel(o.Kernel)
	if err != nil {
		return fmt.Errorf("kernel %s: %w", o.Kernel, err)
	}
	symbols := k.symbolTable()
	traps := k.defaultTraps()
	if o.Verify {
		if traps, err = verified(o.Kernel); err != nil {
			return fmt.Errorf("kernel %s: %w", o.Kernel, err)
		}
	}
	if k.patchTLS() == 0 {
		return fmt.Errorf("kernel %s: no access to g at FS:-8 found: not a Go kernel, or an unknown toolchain", o.Kernel)
	}
	if err := k.patchTraps(traps); err != nil {
		return fmt.Errorf("kernel %s: %w", o.Kernel, err)
	}
	var archive []byte
	if !o.NoArchive {
		if archive, err = Archive(o.Files); err != nil {
			return err
		}
	}
	h := hw.ImageHeader{Magic: hw.ImageMagic, KernelEnd: k.end, TextStart: k.textStart, TextEnd: k.textEnd}
	h.SymBase = roundUp(k.end, hw.LargePage)
	h.SymLen = uint64(len(symbols))
	h.ArchiveBase = roundUp(h.SymBase+h.SymLen, hw.PageSize)
	h.ArchiveLen = uint64(len(archive))
	h.ArchiveSum = hw.Sum64(words(archive))
	h.ImageEnd = roundUp(h.ArchiveBase+h.ArchiveLen, hw.PageSize)
	if o.Damage && len(archive) > 0 {
		archive[len(archive)/2] ^= 1
	}
	boot, err := bootSegment(&h, k)
	if err != nil {
		return err
	}
	segments := []segment{{base: hw.ImageBase, data: boot, size: uint64(len(boot))}}
	segments = append(segments, k.segments...)
	segments = append(segments,
		segment{base: h.SymBase, data: symbols, size: h.SymLen},
		segment{base: h.ArchiveBase, data: archive, size: h.ArchiveLen})
	tmp := o.Output + ".tmp"
	if err := os.WriteFile(tmp, writeELF(segments, hw.ImageBase+hw.OffStub), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, o.Output)
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) &^ (to - 1) }
