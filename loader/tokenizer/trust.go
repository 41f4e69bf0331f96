package tokenizer

import (
	"sort"
	"strings"
)

// join concatenates parts and returns which stretches of the text are trusted:
// alternating ends of untrusted and trusted stretches, starting with untrusted.
func join(parts []Part) (string, trustMap) {
	if len(parts) == 1 {
		n := len(parts[0].Text)
		if parts[0].Trusted {
			return parts[0].Text, trustMap{0, n}
		}
		return parts[0].Text, trustMap{n}
	}
	var b strings.Builder
	ends := trustMap{0}
	for _, p := range parts {
		b.WriteString(p.Text)
		if trusted := len(ends)%2 == 0; p.Trusted != trusted {
			ends = append(ends, b.Len())
		} else {
			ends[len(ends)-1] = b.Len()
		}
	}
	return b.String(), ends
}

// A trustMap holds the ends of stretches of a text: [0] is where the first
// untrusted stretch ends, [1] where the trusted one after it does, and so on.
type trustMap []int

// trusted says whether all of [start, end) lies in one trusted stretch.
func (m trustMap) trusted(start, end int) bool {
	i := sort.SearchInts(m, start+1) // the stretch that holds start
	return i%2 == 1 && i < len(m) && end <= m[i]
}

// all says whether the whole text is trusted.
func (m trustMap) all() bool { return len(m) == 2 && m[0] == 0 }
