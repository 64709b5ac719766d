// Package state has the messages that mmd's state is saved as (state.proto).
package state
