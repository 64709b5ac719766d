package main

import (
	"slices"

	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Open files under way (SCM_RIGHTS). Those of other servers are counted handles in netd's table. Those of netd's own sockets are numbers:
// no handle of netd's keeps a badge alive, so that Gone says when nobody else has one.

// arrived are the files that came in a request's handle slots. They are not under way before the request succeeds.
func (h *Netd) arrived(c *server.Ctx, kinds []uint32, ids []uint64, handles [uabi.MaxHandles]uint32) ([]*state.File, uabi.Error) {
	var out []*state.File
	for i, handle := range handles {
		if handle == 0 || i >= len(kinds) || i >= len(ids) {
			break
		}
		f := &state.File{Kind: kinds[i], Id: ids[i], Handle: handle}
		if f.Kind == uint32(vfs.Kind_SOCKET) {
			s := h.badges[c.BadgeOf(uabi.Handle(handle))]
			if s == nil {
				return nil, uabi.ErrBadFD
			}
			f.Handle, f.Socket = 0, s.Id
		}
		out = append(out, f)
	}
	return out, uabi.OK
}

// launch counts files that are under way from now on.
func (h *Netd) launch(files []*state.File) {
	for _, f := range files {
		if s := h.sockets[f.Socket]; s != nil {
			s.Flights++
		}
	}
}

// land ends the flight of files that nobody received: handles are closed; sockets that nobody has any more are returned.
func (h *Netd) land(c *server.Ctx, files []*state.File) (dead []*state.Socket) {
	for _, f := range files {
		if f.Handle != 0 {
			c.Close(uabi.Handle(f.Handle))
		}
		if s := h.sockets[f.Socket]; s != nil {
			if s.Flights--; s.Flights == 0 && s.Badge == 0 {
				dead = append(dead, s)
			}
		}
	}
	return dead
}

// drop is land for files outside of end.
func (h *Netd) drop(c *server.Ctx, files []*state.File) {
	for _, s := range h.land(c, files) {
		h.end(c, s)
	}
	if len(files) > 0 {
		h.collect(c)
	}
}

// again makes a second set of files, for MSG_PEEK.
func (h *Netd) again(c *server.Ctx, files []*state.File) ([]*state.File, uabi.Error) {
	var out []*state.File
	for _, f := range files {
		g := &state.File{Kind: f.Kind, Id: f.Id, Socket: f.Socket}
		if f.Handle != 0 {
			d, err := c.Dup(uabi.Handle(f.Handle), uabi.RightCall|uabi.RightTransfer|uabi.RightRead)
			if err != uabi.OK {
				return nil, err
			}
			g.Handle = uint32(d)
		}
		out = append(out, g)
	}
	h.launch(out)
	return out, uabi.OK
}

// maxRights is how many files a message carries at most (SCM_MAX_FD).
const maxRights = 253

// staging is the caller's, made if need be.
func (h *Netd) staging(c *server.Ctx) *state.Staging {
	st := h.staged[c.Origin()]
	if st == nil {
		st = &state.Staging{Origin: c.Origin()}
		h.staged[st.Origin] = st
	}
	return st
}

// tidy forgets a staging that holds nothing.
func (h *Netd) tidy(st *state.Staging) {
	if len(st.Out) == 0 && len(st.In) == 0 {
		delete(h.staged, st.Origin)
	}
}

// Stage implements net.Handler.
func (h *Netd) Stage(c *server.Ctx, in *net.StageRequest, out *net.EmptyReply) uabi.Error {
	files, err := h.arrived(c, in.Kinds, in.Ids, [...]uint32{in.File1, in.File2, in.File3, in.File4})
	if err != uabi.OK {
		return err
	}
	if st := h.staged[c.Origin()]; !in.First && st != nil && len(st.Out)+len(files) > maxRights {
		return uabi.ErrTooManyRefs
	}
	h.launch(files)
	st := h.staging(c)
	var old []*state.File
	if in.First {
		old, st.Out = st.Out, nil
	}
	st.Out = append(st.Out, files...)
	h.drop(c, old)
	h.tidy(st)
	return uabi.OK
}

// leaveFor leaves received files for the caller's Take. Those that are over, and what it did not take of earlier ones, are dropped.
func (h *Netd) leaveFor(c *server.Ctx, files, over []*state.File) {
	st := h.staged[c.Origin()]
	if st == nil && len(files) == 0 {
		h.drop(c, over)
		return
	}
	st = h.staging(c)
	over = append(slices.Clone(over), st.In...)
	st.In, st.Given = files, 0
	h.tidy(st)
	h.drop(c, over)
}

// Take implements net.Handler. What it gives stays here until the next Take: a handle of another server's could not be made again for
// a caller that asks once more.
func (h *Netd) Take(c *server.Ctx, in *net.TakeRequest, out *net.TakeReply) uabi.Error {
	st := h.staged[c.Origin()]
	if st == nil {
		return uabi.OK
	}
	next := st.In[st.Given:]
	if in.Drop {
		next = nil
	}
	next = next[:min(len(next), uabi.MaxHandles)]
	slots := [...]*uint32{&out.File1, &out.File2, &out.File3, &out.File4}
	last := h.top.LastId
	for i, f := range next {
		handle := uabi.Handle(f.Handle)
		if s := h.sockets[f.Socket]; s != nil {
			badge := s.Badge
			if badge == 0 {
				last++
				badge = last
			}
			var err uabi.Error
			if handle, err = c.Mint(badge); err != uabi.OK {
				return err
			}
		}
		out.Kinds, out.Ids, *slots[i] = append(out.Kinds, f.Kind), append(out.Ids, f.Id), uint32(handle)
	}
	for _, f := range next {
		if s := h.sockets[f.Socket]; s != nil && s.Badge == 0 {
			delete(h.lost, s.Id)
			h.name(s)
		}
	}
	given := slices.Clone(st.In[:st.Given])
	if in.Drop {
		given = slices.Clone(st.In)
	}
	st.In = slices.Delete(st.In, 0, len(given))
	st.Given = uint32(len(next))
	h.drop(c, given)
	h.tidy(st)
	return uabi.OK
}

// ThreadGone is server.Spec's (R13).
func (h *Netd) ThreadGone(c *server.Ctx, origin uint64) {
	st := h.staged[origin]
	if st == nil {
		return
	}
	delete(h.staged, origin)
	h.drop(c, append(st.Out, st.In...))
	h.collect(c)
}

// collect ends sockets that only messages carry which nobody can receive: those in queues of such sockets. The roots are the sockets that
// somebody has, connections that somebody can accept, and files between two requests.
func (h *Netd) collect(c *server.Ctx) {
	if len(h.lost) == 0 {
		return
	}
	reached := map[uint64]bool{}
	var work []uint64
	reach := func(id uint64) {
		if id != 0 && !reached[id] {
			reached[id] = true
			work = append(work, id)
		}
	}
	for id, s := range h.sockets {
		if s.Badge != 0 {
			reach(id)
		}
	}
	for _, st := range h.staged {
		for _, f := range append(slices.Clone(st.Out), st.In...) {
			reach(f.Socket)
		}
	}
	for len(work) > 0 {
		s := h.sockets[work[len(work)-1]]
		work = work[:len(work)-1]
		if s == nil {
			continue
		}
		for _, p := range s.Queue.Packets {
			for _, f := range p.Files {
				reach(f.Socket)
			}
		}
		for _, id := range s.Pending {
			reach(id)
		}
	}
	for _, id := range sortedKeys(h.lost) {
		if s := h.sockets[id]; s != nil && !reached[id] {
			h.end(c, s)
		}
	}
}
