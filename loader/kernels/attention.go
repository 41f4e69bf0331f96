package kernels

// Memory is where attention finds the keys and values of one sequence.
type Memory interface {
	// Page returns the keys and values of a layer from position
	// page·PageTokens on, [tokens][kvHeads·head] each. Rows past the last
	// position written have no meaning.
	Page(layer, page int) (k, v []float32)
	// PageTokens is the number of positions in a page.
	PageTokens() int
}

// Attention is the Task of grouped-query attention of T new positions over all
// positions up to their own.
//
//	out[t][h] = Σ_p softmax_p(q[t][h]·k[p][h/group] · Scale) · v[p][h/group]
type Attention struct {
	Q      []float32 // [T][Heads][Head]
	Out    []float32 // [T][Heads][Head]
	Memory Memory
	Layer  int
	Start  int // position of the first of the T
	T      int

	Heads, KVHeads, Head int
	Scale                float32
}

// Run computes the attention on p. The keys and values of all positions are in
// Memory already.
func (a *Attention) Run(p *Pool) { p.Run(a, a.T*a.Heads) }

// Do computes one head of one position.
func (a *Attention) Do(w *Worker, part int) {
	t, h := part/a.Heads, part%a.Heads
	q := a.Q[part*a.Head : (part+1)*a.Head]
	out := a.Out[part*a.Head : (part+1)*a.Head]
	stride := a.KVHeads * a.Head
	offset := h / (a.Heads / a.KVHeads) * a.Head
	n := a.Start + t + 1
	tokens := a.Memory.PageTokens()

	scores := w.Scratch(n)
	for first := 0; first < n; first += tokens {
		k, _ := a.Memory.Page(a.Layer, first/tokens)
		page := scores[first:min(first+tokens, n)]
		for i := range page {
			page[i] = a.Scale * active.dot(q, k[i*stride+offset:i*stride+offset+a.Head])
		}
	}
	Softmax(scores)
	clear(out)
	for first := 0; first < n; first += tokens {
		_, v := a.Memory.Page(a.Layer, first/tokens)
		for i, s := range scores[first:min(first+tokens, n)] {
			active.axpy(out, s, v[i*stride+offset:i*stride+offset+a.Head])
		}
	}
}
