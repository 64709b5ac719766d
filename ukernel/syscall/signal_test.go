package syscall

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

func randomRegs(rng *rand.Rand) (r uabi.Regs) {
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(rng.Uint64())
	}
	r.RIP %= uabi.MaxUser
	r.Flags = r.Flags&userFlags | forcedFlags
	return r
}

func TestASignalFrameGivesBackTheRegistersItWasBuiltFrom(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		r := randomRegs(rng)
		var b [sigFrameSize]byte
		a := altStack{base: 0x10000, size: 0x8000}
		act := sigAction{handler: 0x401000, restorer: 0x402000, flags: saOnStack}
		why := sigCause{sig: sigURG, code: siTKill, addr: 77}
		mask := rng.Uint64()
		buildFrame(&b, &r, &a, &act, &why, mask, 0x12340)
		got := r
		enterHandler(&got, &act, sigURG, 0x17000-8)
		if got.RIP != act.handler || got.RSP != 0x17000-8 || got.RDI != sigURG || got.RSI != got.RSP+sigInfo || got.RDX != got.RSP+sigUC || got.Flags&flagDF != 0 {
			t.Fatalf("handler state %+v", got)
		}
		m, fx, ok := readFrame(&b, &got)
		if !ok || m != mask || fx != 0x12340 || got != r {
			t.Fatalf("got %+v\nwant %+v", got, r)
		}
		if le64(b[:]) != act.restorer || le32(b[sigInfo:]) != sigURG || le64(b[sigInfo+16:]) != 77 {
			t.Fatal("frame fields")
		}
	}
}

func TestTheHandlersStackIsAlignedAndOnTheAlternateStackWhenAsked(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	a := altStack{base: 0x100000, size: 0x8000}
	for range 1000 {
		sp := 0x700000 + rng.Uint64N(1<<20)
		for _, flags := range []uint64{0, saOnStack} {
			fx, frame := frameAddr(sp, &a, &sigAction{flags: flags})
			if (frame+8)%16 != 0 || fx%64 != 0 || frame+sigFrameSize > fx {
				t.Fatalf("frame %#x fx %#x", frame, fx)
			}
			if on := fx > a.base && fx+fxSize <= a.base+a.size; on != (flags != 0) {
				t.Fatalf("sp %#x flags %#x: fx at %#x", sp, flags, fx)
			}
			if flags == 0 && fx+fxSize > sp-redZone {
				t.Fatal("the red zone is overwritten")
			}
		}
	}
	// A thread that is on its alternate stack stays there.
	if _, frame := frameAddr(0x107000, &a, &sigAction{flags: saOnStack}); frame >= 0x107000-redZone || frame < a.base {
		t.Fatalf("nested frame at %#x", frame)
	}
}

func TestSigreturnCannotLoadKernelAddressesOrPrivilegedFlags(t *testing.T) {
	var b [sigFrameSize]byte
	r := uabi.Regs{RAX: 1, RIP: 2}
	put64(b[ucRegs+8*scRIP:], 0xffffffff80000000)
	if _, _, ok := readFrame(&b, &r); ok || r != (uabi.Regs{RAX: 1, RIP: 2}) {
		t.Fatal("a kernel RIP was taken, or registers changed")
	}
	put64(b[ucRegs+8*scRIP:], 0x401000)
	put64(b[ucRegs+8*scFlags:], ^uint64(0))
	const ioplNTVM = 3<<12 | 1<<14 | 1<<17 | 1<<19 | 1<<20
	if _, _, ok := readFrame(&b, &r); !ok || r.Flags&ioplNTVM != 0 || r.Flags&forcedFlags != forcedFlags {
		t.Fatalf("flags %#x", r.Flags)
	}
	var fx [fxSize]byte
	put32(fx[fxMXCSR:], ^uint32(0))
	cleanFX(&fx, 0)
	if got := le32(fx[fxMXCSR:]); got != mxcsrDefault {
		t.Fatalf("MXCSR %#x", got)
	}
}

func TestEachExceptionBecomesTheSignalThatLinuxSends(t *testing.T) {
	for _, c := range []struct {
		vector, code uint64
		err          uabi.Error
		sig          uint32
		si           int32
	}{
		{hw.VecDivide, 0, 0, sigFPE, fpeIntDiv},
		{hw.VecInvalidOp, 0, 0, sigILL, illOpn},
		{hw.VecBreakpoint, 0, 0, sigTRAP, siKernel},
		{hw.VecGP, 0, 0, sigSEGV, siKernel},
		{hw.VecPageFault, hw.FaultUser, uabi.ErrFault, sigSEGV, segvMapErr},
		{hw.VecPageFault, hw.FaultUser | hw.FaultPresent | hw.FaultWrite, uabi.ErrRights, sigSEGV, segvAccErr},
		{hw.VecPageFault, hw.FaultUser, uabi.ErrNoMem, sigBUS, busAdrErr},
	} {
		r := uabi.Regs{Vector: c.vector, Code: c.code, Addr: 0x10, RIP: 0x401000}
		why, ok := causeOf(&r, c.err)
		if !ok || why.sig != c.sig || why.code != c.si {
			t.Errorf("vector %d: %+v", c.vector, why)
		}
		if c.vector == hw.VecPageFault && why.addr != 0x10 {
			t.Errorf("fault address %#x", why.addr)
		}
	}
	if _, ok := causeOf(&uabi.Regs{Vector: hw.VecMachine}, 0); ok {
		t.Error("a machine check is no signal")
	}
}
