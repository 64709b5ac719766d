// Package vm is address spaces, memory objects and page faults. It is the only package that turns a user address into
// access, always by walking page tables through the direct map.
package vm
