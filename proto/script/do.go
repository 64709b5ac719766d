package script

import (
	"runtime"

	"aramid/proto/ipc"
	"aramid/proto/mm"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Methods are those of a server of a running machine, by number − 1; nil: it has no protocol.
func Methods(server string) []ipc.Method {
	switch server {
	case "mmd":
		return mm.Methods[:]
	case "procd":
		return proc.Methods[:]
	case "vfsd":
		return vfs.Methods[:]
	case "netd": // serves some of vfs's below its own
		all := make([]ipc.Method, net.MethodSocket-1)
		copy(all, vfs.Methods[:])
		return append(all, net.Methods[:]...)
	}
	return nil
}

// Do makes a call with a method of that number; Request.Target is the handle that is called.
func Do(c ipc.Caller, m *ipc.Method, q *Request) *Reply {
	in := m.NewIn()
	if err := in.UnmarshalVTUnsafe(q.Body); err != nil {
		return &Reply{Status: uabi.ErrDecode}
	}
	if err := put(c.Buffer(), m, in); err != uabi.OK {
		return &Reply{Status: err}
	}
	data := make([]byte, q.Take)
	ipc.SetGrants(c.Buffer().Out, grants(q.Give, data))
	status := c.Exchange(q.Target, q.Method, m.Mutates)
	runtime.KeepAlive(q.Give)
	runtime.KeepAlive(data)
	if status != uabi.OK {
		return &Reply{Status: status}
	}
	rep := &Reply{Data: data}
	if err := get(c.Buffer(), m, rep); err != uabi.OK {
		return &Reply{Status: err}
	}
	return rep
}

// grants are the windows that a call gives.
func grants(give, take []byte) (g []uabi.Grant) {
	if len(give) > 0 {
		g = append(g, uk.Grant(give, uabi.RightRead))
	}
	if len(take) > 0 {
		g = append(g, uk.Grant(take, uabi.RightWrite))
	}
	return g
}

// put encodes a request into the buffer, in the method's encoding.
func put(b *uk.Buffer, m *ipc.Method, in ipc.Message) uabi.Error {
	o := b.Out
	o.Len, o.W = 0, [uabi.MaxWords]uint64{}
	if m.In == ipc.Bytes {
		n := in.SizeVT()
		if n > uabi.MaxBytes {
			return uabi.ErrSize
		}
		if _, err := in.MarshalToSizedBufferVT(b.OutBytes[:n]); err != nil {
			return uabi.ErrDecode
		}
		o.Len = uint32(n)
	} else {
		in.ToWords(&o.W)
	}
	in.ToHandles(&o.Handle)
	o.NHandles = uint32(m.InHandles)
	return uabi.OK
}

// get takes the reply out of the buffer.
func get(b *uk.Buffer, m *ipc.Method, rep *Reply) uabi.Error {
	o := b.Out
	if !ipc.Valid(o, m.Out) {
		return uabi.ErrDecode
	}
	out := m.NewOut()
	if m.Out == ipc.Bytes {
		if err := out.UnmarshalVTUnsafe(b.OutBytes[:o.Len]); err != nil {
			return uabi.ErrDecode
		}
	} else {
		out.FromWords(&o.W)
	}
	ipc.AbsentHandles(o, m.OutHandles)
	out.FromHandles(&o.Handle)
	for i := range m.OutHandles {
		rep.Values = append(rep.Values, uint64(o.Handle[i]))
	}
	if m.OutHandles == 0 && m.Out != ipc.Bytes {
		rep.Values = append(rep.Values, o.W[:m.Out]...)
	}
	body := make([]byte, out.SizeVT())
	n, err := out.MarshalToSizedBufferVT(body)
	if err != nil {
		return uabi.ErrDecode
	}
	rep.Body = body[len(body)-n:]
	return uabi.OK
}
