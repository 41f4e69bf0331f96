package sample

// A StopMatcher finds stop strings in text that arrives in pieces.
type StopMatcher struct {
	stops []string
}

// NewStopMatcher returns a matcher for stops; empty strings are ignored.
func NewStopMatcher(stops []string) *StopMatcher { return &StopMatcher{stops: stops} }

// Push adds a piece and returns the text that is surely not part of a stop
// string. Once a stop string is complete, stopped is true, out ends before it,
// and nothing more is returned.
func (m *StopMatcher) Push(piece string) (out string, stopped bool) { return piece, false }

// Flush returns what was held back, for when the text ends without a stop.
func (m *StopMatcher) Flush() string { return "" }
