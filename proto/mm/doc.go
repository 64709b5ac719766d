// Package mm is the contract of mmd: address spaces and their layout (mm.proto).
package mm
