// Package state has the messages that procd's state is saved as (state.proto).
package state
