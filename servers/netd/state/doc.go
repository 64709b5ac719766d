// Package state has the messages that netd's state is saved as (state.proto).
package state
