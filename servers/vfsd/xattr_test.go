package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func (c *client) setXattr(in *vfs.XattrRequest, want uabi.Error) {
	c.want("set "+in.Name, c.vfs.XattrSet(c.t, in, &vfs.EmptyReply{}), want)
}

func (c *client) xattr(path, name, want string, wantErr uabi.Error) {
	var out vfs.XattrReply
	c.want("get "+name, c.vfs.XattrGet(c.t, &vfs.XattrRequest{Path: path, Name: name}, &out), wantErr)
	if wantErr == uabi.OK && string(out.Value) != want {
		c.w.Fail("%s of %s is %q, want %q", name, path, out.Value, want)
	}
}

func TestAttributesAreKeptAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 2, func(w *world) {
		w.stub.effective = 1 << capSysAdmin
		w.client(func(c *client) {
			set := func(path, name, value string) *vfs.XattrRequest {
				return &vfs.XattrRequest{Path: path, Name: name, Value: []byte(value)}
			}
			c.xattr("/aligned", "user.a", "", uabi.ErrNoData)
			c.setXattr(set("/aligned", "user.b", "2"), uabi.OK)
			c.setXattr(set("/aligned", "user.a", "1"), uabi.OK)
			c.setXattr(set("/aligned", "trusted.t", "3"), uabi.OK)
			c.setXattr(set("/aligned", "security.s", "4"), uabi.OK)
			c.setXattr(set("/aligned", "user.b", "second"), uabi.OK)
			c.xattr("/aligned", "user.b", "second", uabi.OK)
			c.xattr("/aligned", "", "security.s\x00trusted.t\x00user.a\x00user.b\x00", uabi.OK)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Mode: unix.XATTR_CREATE}, uabi.ErrExists)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.c", Mode: unix.XATTR_REPLACE}, uabi.ErrNoData)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.c", Mode: 8}, uabi.ErrArg)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Remove: true}, uabi.OK)
			c.setXattr(&vfs.XattrRequest{Path: "/aligned", Name: "user.a", Remove: true}, uabi.ErrNoData)
			c.setXattr(set("/aligned", "user.", "x"), uabi.ErrArg)
			c.setXattr(set("/aligned", "system.posix_acl_access", "x"), uabi.ErrOperation)
			c.setXattr(set("/aligned", "other", "x"), uabi.ErrOperation)
			c.setXattr(set("/dev/null", "user.a", "x"), uabi.ErrPerm)
			c.xattr("/dev/null", "user.a", "", uabi.ErrNoData)
			c.setXattr(set("/proc/1/status", "user.a", "x"), uabi.ErrOperation)
			c.setXattr(set("/nope", "user.a", "x"), uabi.ErrNotFound)
			w.stub.effective = 0
			c.xattr("/aligned", "trusted.t", "", uabi.ErrNoData)
			c.setXattr(set("/aligned", "security.s", "x"), uabi.ErrPerm)
			c.xattr("/aligned", "", "security.s\x00user.b\x00", uabi.OK)
		})
	})
}
