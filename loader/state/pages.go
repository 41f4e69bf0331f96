package state

import (
	"slices"
	"sync"
	"sync/atomic"
)

// PageTokens is the number of positions in a page of keys and values.
const PageTokens = 64

// keepPages is how many unused pages are kept for the next sequence.
const keepPages = 16

// A Pages makes and reuses the pages of one model's sequences. It is safe for
// use by several goroutines.
type Pages struct {
	groups []*pageGroup
	place  []place // of each layer
}

// place is where a layer's keys and values lie.
type place struct{ group, index int }

// A pageGroup is layers of one width that look back equally far and so share
// pages.
type pageGroup struct {
	window int // positions that a token sees, its own included; 0 for all
	layers int
	width  int

	mu   sync.Mutex
	free []*page
}

// A page is the keys and values of PageTokens positions in every layer of its
// group: [layers][2][PageTokens][width].
type page struct {
	data []float32
	refs atomic.Int32
}

// NewPages makes pages for a model with one window per layer, the number of
// positions that a token of the layer sees, its own included, or 0 for all; and
// one width, the number of float32 of keys (and as many of values) per position.
func NewPages(widths, windows []int) *Pages {
	p := &Pages{}
	for i, w := range windows {
		same := func(g *pageGroup) bool { return g.window == w && g.width == widths[i] }
		g := slices.IndexFunc(p.groups, same)
		if g < 0 {
			g = len(p.groups)
			p.groups = append(p.groups, &pageGroup{window: w, width: widths[i]})
		}
		p.place = append(p.place, place{g, p.groups[g].layers})
		p.groups[g].layers++
	}
	return p
}

// BytesPerToken is the memory of one position in the layers without a window.
func (p *Pages) BytesPerToken() int64 {
	var n int64
	for _, g := range p.groups {
		if g.window == 0 {
			n += g.bytes()
		}
	}
	return n
}

// WindowBytes is the most memory of the layers with a window, in a sequence of
// any length up to limit.
func (p *Pages) WindowBytes(limit int) int64 {
	var n int64
	for _, g := range p.groups {
		n += g.bytes() * int64(min(g.window, limit))
	}
	return n
}

// bytes is the memory of one position.
func (p *pageGroup) bytes() int64 { return int64(p.layers) * int64(p.width) * 2 * 4 }

// take returns a page with one reference and any content.
func (p *pageGroup) take() *page {
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
func (p *pageGroup) drop(pg *page) {
	if pg.refs.Add(-1) > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < keepPages {
		p.free = append(p.free, pg)
	}
}
