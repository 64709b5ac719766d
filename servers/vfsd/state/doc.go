// Package state has the messages that vfsd's state is saved as (state.proto).
package state
