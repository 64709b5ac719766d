// Package vfs is the contract of vfsd: mounts, paths, open files and terminals (vfs.proto); and struct stat as both sides have it.
package vfs
