package state

// A KV is the State of attention: the keys and values of positions in every
// layer, as float32. Layers that look back through a window remember only that
// window; the pages before it go back to be used again.
type KV struct {
	pages  *Pages
	tables [][]*page // by group; capacity for the limit, so that growing allocates pages only
	length int
	limit  int
}

// NewKV returns an empty KV for up to limit tokens.
func NewKV(p *Pages, limit int) *KV {
	s := &KV{pages: p, limit: limit, tables: make([][]*page, len(p.groups))}
	for g := range s.tables {
		s.tables[g] = make([]*page, 0, pagesFor(limit))
	}
	return s
}

func pagesFor(tokens int) int { return (tokens + PageTokens - 1) / PageTokens }

// Len implements State.
func (s *KV) Len() int { return s.length }

// Limit implements State.
func (s *KV) Limit() int { return s.limit }

// PageTokens is the number of positions in a page.
func (s *KV) PageTokens() int { return PageTokens }

// Reserve implements State.
func (s *KV) Reserve(n int) {
	for g, table := range s.tables {
		pages := s.pages.groups[g]
		for i := s.length / PageTokens; i < pagesFor(s.length+n); i++ {
			if i == len(table) {
				table = append(table, pages.take())
			} else if old := table[i]; old.refs.Load() > 1 {
				table[i] = pages.take()
				copy(table[i].data, old.data)
				pages.drop(old)
			}
		}
		s.tables[g] = table
	}
}

// Advance implements State.
func (s *KV) Advance(n int) {
	s.length += n
	for g, pages := range s.pages.groups {
		if pages.window == 0 {
			continue
		}
		// The next token looks back to length - window + 1.
		table := s.tables[g]
		for i := max(s.length+1-pages.window, 0)/PageTokens - 1; i >= 0 && table[i] != nil; i-- {
			pages.drop(table[i])
			table[i] = nil
		}
	}
}

// Holds implements State.
func (s *KV) Holds(n int) bool {
	if n > s.length {
		return false
	}
	for g, pages := range s.pages.groups {
		if pages.window == 0 {
			continue
		}
		// The first position that a token after n looks back to.
		if first := max(n+1-pages.window, 0); first < n && s.tables[g][first/PageTokens] == nil {
			return false
		}
	}
	return true
}

// Truncate implements State.
func (s *KV) Truncate(n int) {
	keep := pagesFor(n)
	for g, table := range s.tables {
		keep := min(keep, len(table))
		for i, pg := range table[keep:] {
			if pg != nil {
				s.pages.groups[g].drop(pg)
				table[keep+i] = nil
			}
		}
		s.tables[g] = table[:keep]
	}
	s.length = n
}

// Fork implements State.
func (s *KV) Fork(n int) State {
	f := NewKV(s.pages, s.limit)
	f.length = n
	for g, table := range s.tables {
		f.tables[g] = append(f.tables[g], table[:pagesFor(n)]...)
		for _, pg := range f.tables[g] {
			if pg != nil {
				pg.refs.Add(1)
			}
		}
	}
	return f
}

// Close implements State.
func (s *KV) Close() { s.Truncate(0) }

// Page returns the keys and values of a layer from position page·PageTokens
// on: [PageTokens][width] each, valid until the KV changes. The page holds
// positions that the layer looks back to, or reserved ones.
func (s *KV) Page(layer, page int) (k, v []float32) {
	at := s.pages.place[layer]
	n := PageTokens * s.pages.groups[at.group].width
	d := s.tables[at.group][page].data[2*n*at.index : 2*n*(at.index+1)]
	return d[:n:n], d[n:]
}

// Row returns where the key and value of one reserved position of a layer lie:
// [width] each.
func (s *KV) Row(layer, pos int) (k, v []float32) {
	k, v = s.Page(layer, pos/PageTokens)
	w := len(k) / PageTokens
	i := pos % PageTokens * w
	return k[i : i+w], v[i : i+w]
}
