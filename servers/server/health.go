package server

// Health counters in kept memory, behind headHealth.
const (
	healthStarts = iota
	healthLookups
	healthCommits
	healthAnswered // mutating requests answered, whatever the result
	healthRetained // answered from the journal
	healthQuarantined
	healthStale
	healthDropped // requests of dead callers without an intent
	healthSnapshots
	healthReplayed
	healthFinished
	healthDiverged
	healthGone
	healthThreads
	healthEvents
	healthNoID
	healthCount
)

// Health is a copy of the counters, which outlive the image.
type Health struct {
	Starts, Lookups, Commits, Answered, Retained, Quarantined, Stale, Dropped uint64
	Snapshots, Replayed, Finished, Diverged, Gone, Threads, Events, NoID      uint64
}

func (s *server) count(which int) { s.kept.counts[which]++ }

// health reads the counters.
func (m *kept) health() Health {
	w := m.counts
	return Health{
		w[healthStarts], w[healthLookups], w[healthCommits], w[healthAnswered], w[healthRetained], w[healthQuarantined],
		w[healthStale], w[healthDropped], w[healthSnapshots], w[healthReplayed], w[healthFinished], w[healthDiverged],
		w[healthGone], w[healthThreads], w[healthEvents], w[healthNoID],
	}
}
