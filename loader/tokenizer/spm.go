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
		b, isByte := byteFallback(name)
		switch {
		case types[i] == typeByte && !isByte:
			return &FormatError{"tokenizer vocabulary", fmt.Sprintf("token %d: got %.80q, want a byte token", id, name)}
		case types[i] == typeByte:
			p.raw[id], p.byteTok[id] = []byte{b}, true
			m.byteIDs[b], m.fallback = id, true
		case !p.control[id]:
			p.raw[id] = []byte(strings.ReplaceAll(name, spaceMark, " "))
			if types[i] != typeUnused {
				m.index[name] = id
			}
		}
	}
	ranks, err := scoreRanks(scores)
	if err != nil {
		return err
	}
	m.rules = wordRules{index: m.index, rank: ranks}
	p.model = m
	return nil
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
