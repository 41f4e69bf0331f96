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
// positions up to their own that a window lets them see.
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

	Both    bool      // positions see those after them too, as far as those before
	Window  int       // positions that one sees, its own included; 0 for all
	Softcap float32   // scores s become Softcap · tanh(s / Softcap); 0 for none
	Sinks   []float32 // scores that take part in the softmax and see nothing: [Heads], or nil
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
	from, n := a.span(t)
	tokens := a.Memory.PageTokens()
	scores := w.Scratch(n - from + 1)[:n-from]
	for first := from; first < n; first += tokens - first%tokens {
		k, _ := a.Memory.Page(a.Layer, first/tokens)
		row := k[first%tokens*stride:]
		page := scores[first-from : min(first+tokens-first%tokens, n)-from]
		for i := range page {
			page[i] = a.Scale * active.dot(q, row[i*stride+offset:i*stride+offset+a.Head])
		}
	}
	if a.Softcap > 0 {
		Softcap(scores, a.Softcap)
	}
	if a.Sinks != nil {
		Softmax(append(scores, a.Sinks[h])) // within the scratch
	} else {
		Softmax(scores)
	}
	clear(out)
	for first := from; first < n; first += tokens - first%tokens {
		_, v := a.Memory.Page(a.Layer, first/tokens)
		row := v[first%tokens*stride:]
		for i, s := range scores[first-from : min(first+tokens-first%tokens, n)-from] {
			active.axpy(out, s, row[i*stride+offset:i*stride+offset+a.Head])
		}
	}
}

// span is the positions that new position t sees: from the first up to, but
// without, the second.
func (a *Attention) span(t int) (from, end int) {
	end = a.Start + t + 1
	if a.Window > 0 {
		from = max(end-a.Window, 0)
	}
	switch {
	case a.Both && a.Window > 0:
		end = min(end+a.Window-1, a.Start+a.T)
	case a.Both:
		end = a.Start + a.T
	}
	return from, end
}
