package state

import (
	"sync"
	"sync/atomic"
)

// PageTokens is the number of positions in a page of keys and values.
const PageTokens = 64

// keepPages is how many unused pages a Pages keeps for the next sequence.
const keepPages = 16

// A Pages makes and reuses the pages of one model's sequences. It is safe for
// use by several goroutines.
type Pages struct {
	layers, width int // width is kvHeads·head

	mu   sync.Mutex
	free []*page
}

// A page is the keys and values of PageTokens positions in every layer:
// [layers][2][PageTokens][width].
type page struct {
	data []float32
	refs atomic.Int32
}

// NewPages makes pages for a model of so many layers and width float32 of keys
// (and as many of values) per position and layer.
func NewPages(layers, width int) *Pages { return &Pages{layers: layers, width: width} }

// BytesPerToken is the memory of one position.
func (p *Pages) BytesPerToken() int64 { return int64(p.layers) * int64(p.width) * 2 * 4 }

// take returns a page with one reference and any content.
func (p *Pages) take() *page {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pg *page
	if n := len(p.free); n > 0 {
		pg, p.free = p.free[n-1], p.free[:n-1]
	} else {
		pg = &page{data: make([]float32, p.layers*2*PageTokens*p.width)}
	}
	pg.refs.Store(1)
	return pg
}

// drop gives one reference back.
func (p *Pages) drop(pg *page) {
	if pg.refs.Add(-1) > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < keepPages {
		p.free = append(p.free, pg)
	}
}

// A KV is the State of plain attention: the key and value of every position in
// every layer, as float32.
type KV struct {
	pages  *Pages
	table  []*page // capacity for the limit, so that growing allocates pages only
	length int
	limit  int
}

// NewKV returns an empty KV for up to limit tokens.
func NewKV(p *Pages, limit int) *KV {
	return &KV{pages: p, limit: limit, table: make([]*page, 0, pagesFor(limit))}
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
	for i := s.length / PageTokens; i < pagesFor(s.length+n); i++ {
		if i == len(s.table) {
			s.table = append(s.table, s.pages.take())
		} else if old := s.table[i]; old.refs.Load() > 1 {
			s.table[i] = s.pages.take()
			copy(s.table[i].data, old.data)
			s.pages.drop(old)
		}
	}
}

// Advance implements State.
func (s *KV) Advance(n int) { s.length += n }

// Truncate implements State.
func (s *KV) Truncate(n int) {
	keep := pagesFor(n)
	for _, pg := range s.table[min(keep, len(s.table)):] {
		s.pages.drop(pg)
	}
	s.table = s.table[:min(keep, len(s.table))]
	s.length = n
}

// Fork implements State.
func (s *KV) Fork(n int) State {
	f := NewKV(s.pages, s.limit)
	f.length = n
	f.table = append(f.table, s.table[:pagesFor(n)]...)
	for _, pg := range f.table {
		pg.refs.Add(1)
	}
	return f
}

// Close implements State.
func (s *KV) Close() { s.Truncate(0) }

// Page returns the keys and values of a layer from position page·PageTokens
// on: [PageTokens][width] each, valid until the KV changes.
func (s *KV) Page(layer, page int) (k, v []float32) {
	n := PageTokens * s.pages.width
	d := s.table[page].data[2*n*layer : 2*n*(layer+1)]
	return d[:n:n], d[n:]
}

// Row returns where the key and value of one reserved position of a layer lie:
// [width] each.
func (s *KV) Row(layer, pos int) (k, v []float32) {
	k, v = s.Page(layer, pos/PageTokens)
	i, w := pos%PageTokens*s.pages.width, s.pages.width
	return k[i : i+w], v[i : i+w]
}
