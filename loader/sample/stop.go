package sample

import "strings"

// A StopMatcher finds stop strings in text that arrives in pieces. It is not
// safe for concurrent use.
type StopMatcher struct {
	stops   []string
	longest int    // bytes of the longest stop string
	held    string // the end of the text, which may begin a stop string
	stopped bool
}

// NewStopMatcher returns a matcher for stops; empty strings are ignored.
func NewStopMatcher(stops []string) *StopMatcher {
	m := &StopMatcher{}
	for _, s := range stops {
		if s != "" {
			m.stops = append(m.stops, s)
			m.longest = max(m.longest, len(s))
		}
	}
	return m
}

// Push adds a piece and returns the text that is surely not part of a stop
// string. Once a stop string is complete, stopped is true, out ends before it,
// and nothing more is returned.
func (m *StopMatcher) Push(piece string) (out string, stopped bool) {
	if m.stopped {
		return "", true
	}
	if len(m.stops) == 0 {
		return piece, false
	}
	text := m.held + piece
	if at := m.first(text); at >= 0 {
		m.held, m.stopped = "", true
		return text[:at], true
	}
	n := len(text) - m.partial(text)
	m.held = text[n:]
	return text[:n], false
}

// first returns where the stop string begins that is complete first, the
// longest of those that end together; -1 for none.
func (m *StopMatcher) first(text string) int {
	at, end := -1, len(text)+1
	for _, s := range m.stops {
		i := strings.Index(text, s)
		if i >= 0 && (i+len(s) < end || i+len(s) == end && i < at) {
			at, end = i, i+len(s)
		}
	}
	return at
}

// partial returns how long the longest end of text is that begins a stop
// string.
func (m *StopMatcher) partial(text string) int {
	for n := min(m.longest-1, len(text)); n > 0; n-- {
		end := text[len(text)-n:]
		for _, s := range m.stops {
			if len(s) > n && s[:n] == end {
				return n
			}
		}
	}
	return 0
}

// Flush returns what was held back, for when the text ends without a stop.
func (m *StopMatcher) Flush() string {
	held := m.held
	m.held = ""
	return held
}
