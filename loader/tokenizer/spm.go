package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// setPieces makes the model of a SentencePiece vocabulary whose names are set:
// neighbours that spell a piece merge, the best score first.
func (p *pipeline) setPieces(scores []float32, types []int32, unk int32) error {
	p.kind, p.broken = "spm", perByte
	m := newBPE(len(p.names))
	m.unk, m.fuseUnk, m.late = unk, true, true
	for i, name := range p.names {
		id := int32(i) //nolint:gosec // MaxVocab
		normal, err := p.setPiece(id, types[i], &m.byteIDs)
		if err != nil {
			return err
		}
		m.fallback = m.fallback || p.byteTok[id]
		if normal {
			m.index[name] = id
		}
	}
	ranks, err := scoreRanks(scores)
	if err != nil {
		return err
	}
	m.rules = wordRules{index: m.index, rank: ranks}
	m.findMarks()
	p.model = m
	return nil
}

// setPiece sets what one piece adds to a text; normal says that a text may be
// cut into it.
func (p *pipeline) setPiece(id, kind int32, byteIDs *[256]int32) (normal bool, err error) {
	name := p.names[id]
	if kind == typeByte {
		b, ok := byteFallback(name)
		if !ok {
			return false, &FormatError{"tokenizer vocabulary", fmt.Sprintf("token %d: got %.80q, want a byte token", id, name)}
		}
		p.raw[id], p.byteTok[id], byteIDs[b] = []byte{b}, true, id
		return false, nil
	}
	if p.control[id] {
		return false, nil
	}
	p.raw[id] = []byte(strings.ReplaceAll(name, spaceMark, " "))
	return kind != typeUnused, nil
}

// scoreRanks numbers the scores from the highest; equal scores share a number.
func scoreRanks(scores []float32) ([]int32, error) {
	order := make([]int, len(scores))
	for i, s := range scores {
		if math.IsNaN(float64(s)) {
			return nil, &FormatError{"tokenizer vocabulary", fmt.Sprintf("token %d: its score is not a number", i)}
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	ranks := make([]int32, len(scores))
	rank := int32(0)
	for i, id := range order {
		if i > 0 && scores[id] != scores[order[i-1]] {
			rank++
		}
		ranks[id] = rank
	}
	return ranks, nil
}
