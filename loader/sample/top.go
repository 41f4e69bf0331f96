package sample

import (
	"cmp"
	"slices"
)

// before orders candidates: the likelier first, of equals the lower id.
func before(a, b candidate) int {
	if c := cmp.Compare(b.logit, a.logit); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

// selectTop moves the k likeliest candidates to the front, in order.
func selectTop(c []candidate, k int) {
	lo, hi := 0, len(c)
	for hi-lo > 1 && lo < k && k < hi {
		p := partition(c[lo:hi]) + lo
		if p < k {
			lo = p + 1
		} else {
			hi = p
		}
	}
	slices.SortFunc(c[:k], before)
}

// partition puts a pivot where it belongs among c, what comes before it on its
// left, and returns its place.
func partition(c []candidate) int {
	last := len(c) - 1
	pivot := middle(c)
	c[pivot], c[last] = c[last], c[pivot]
	at := 0
	for i := range last {
		if before(c[i], c[last]) < 0 {
			c[i], c[at] = c[at], c[i]
			at++
		}
	}
	c[at], c[last] = c[last], c[at]
	return at
}

// middle returns the index of the median of three, or of three such medians,
// so that neither sorted logits nor most others make partition lopsided.
func middle(c []candidate) int {
	n := len(c)
	m := median(c, 0, n/2, n-1)
	if n < 128 {
		return m
	}
	return median(c, median(c, n/8, n/4, 3*n/8), m, median(c, 5*n/8, 3*n/4, 7*n/8))
}

func median(c []candidate, i, j, k int) int {
	if before(c[i], c[j]) > 0 {
		i, j = j, i
	}
	if before(c[j], c[k]) > 0 {
		j = k
		if before(c[i], c[j]) > 0 {
			j = i
		}
	}
	return j
}
