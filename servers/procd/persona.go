package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// What personality(2) can say here (linux/personality.h). It is inherited over fork and exec.
const (
	linux32     = 0x8
	noRandomize = 0x40000
)

// Persona implements proc.Handler.
func (h *Procd) Persona(c *server.Ctx, in *proc.PersonaRequest, out *proc.PersonaReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.Set && in.Persona&^(linux32|noRandomize) != 0 {
		return uabi.ErrArg
	}
	out.Persona = t.Persona
	if in.Set {
		t.Persona = in.Persona
	}
	return uabi.OK
}

// fixedLayout reports whether t's next program lies at the same addresses each time: one that gains rights by its set-id bits does not.
func fixedLayout(t *state.Thread, secure bool) bool { return t.Persona&noRandomize != 0 && !secure }
