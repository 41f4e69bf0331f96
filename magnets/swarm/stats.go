package swarm

import (
	"math"
	"time"

	"samara/magnets"
)

// States of a torrent, for Stats.State.
const (
	StateResolving = "resolving" // metadata is not here yet
	StateResolved  = "resolved"  // metadata is here, Start was not called
	StateChecking  = "checking"  // pieces of an earlier boot are hashed again
	StateFetching  = "fetching"
	StateSeeding   = "seeding" // every wanted piece is here
	StatePaused    = "paused"  // by Pause, or by trouble
	StateDropped   = "dropped"
)

// Stats is a torrent's present state.
type Stats struct {
	State       string
	BytesDone   int64   // of the wanted files, in verified pieces
	BytesTotal  int64   // of the wanted files
	PiecesDone  int     // of the whole torrent
	PiecesTotal int     // of the whole torrent
	Peers       int     // connected
	Seeds       int     // connected peers that have everything
	DownRate    float64 // bytes/s, smoothed over a few seconds
	UpRate      float64 // bytes/s, smoothed over a few seconds
	Downloaded  int64   // bytes of blocks received since Add, wasted ones included
	Uploaded    int64   // bytes of blocks sent since Add
	Wasted      int64   // bytes of blocks received that were of no use
	BadPieces   int64   // pieces that peers sent and that failed their hash
	Have        []byte  // verified pieces, piece 0 in the highest bit of the first byte; a copy
}

// Stats returns the torrent's present state. Rates become exact when it is
// called every few seconds.
func (t *Torrent) Stats() Stats {
	c := t.t.Stats()
	s := Stats{
		Peers:      c.ActivePeers,
		Seeds:      c.ConnectedSeeders,
		Downloaded: c.BytesReadData.Int64(),
		Uploaded:   c.BytesWrittenData.Int64(),
		BadPieces:  c.PiecesDirtiedBad.Int64(),
	}
	useful := c.BytesReadUsefulData.Int64()
	s.Wasted = s.Downloaded - useful
	t.mu.Lock()
	s.DownRate, s.UpRate = t.rates.update(time.Now(), useful, s.Uploaded)
	st, info := t.store, t.info
	t.mu.Unlock()
	s.State = t.state(info, st)
	if info != nil {
		s.PiecesTotal = info.Pieces
	}
	if st != nil {
		s.BytesDone, s.BytesTotal = st.totals()
		st.mu.Lock()
		s.Have = append([]byte(nil), st.have...)
		st.mu.Unlock()
		s.PiecesDone = bitmap(s.Have).count()
	}
	return s
}

func (t *Torrent) state(info *magnets.Info, st *store) string {
	t.mu.Lock()
	paused := t.paused || t.trouble != nil
	t.mu.Unlock()
	switch {
	case t.ctx.Err() != nil:
		return StateDropped
	case paused:
		return StatePaused
	case info == nil:
		return StateResolving
	case st == nil:
		return StateResolved
	}
	st.mu.Lock()
	checking := st.doubts > 0
	st.mu.Unlock()
	switch {
	case isClosed(t.done):
		return StateSeeding
	case checking:
		return StateChecking
	}
	return StateFetching
}

// A meter smooths rates out of two counters.
type meter struct {
	at       time.Time
	down, up int64 // counters at that time, bytes
	downRate float64
	upRate   float64
}

// Times of a meter.
const (
	meterStep   = 250 * time.Millisecond // the shortest time that gives a rate
	meterSmooth = 3 * time.Second        // how much of the past a rate remembers
)

// update takes the counters at a time and returns the rates in bytes/s.
func (m *meter) update(now time.Time, down, up int64) (downRate, upRate float64) {
	dt := now.Sub(m.at)
	switch {
	case m.at.IsZero():
		*m = meter{at: now, down: down, up: up}
	case dt >= meterStep:
		w := 1 - math.Exp(-dt.Seconds()/meterSmooth.Seconds())
		m.downRate += w * (float64(down-m.down)/dt.Seconds() - m.downRate)
		m.upRate += w * (float64(up-m.up)/dt.Seconds() - m.upRate)
		m.at, m.down, m.up = now, down, up
	}
	return m.downRate, m.upRate
}
