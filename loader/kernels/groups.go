package kernels

import (
	"encoding/binary"
	"fmt"

	"samara/loader/weights"
)

// groups is a matrix in 4-bit groups as GPTQ and AWQ store it: transposed, with
// a scale and a zero per output and group of inputs.
//
//	W[o][i] = scale[group(i)][o] · (q[i][o] - zero[group(i)][o])
type groups struct {
	*weights.Groups
	index []int32 // group of each input; nil where groups lie in order
	awq   bool
}

// shiftsAWQ is where AWQ puts eight neighbouring outputs in a word, in bits.
var shiftsAWQ = [8]uint{0, 16, 4, 20, 8, 24, 12, 28}

func newGroups(t weights.Tensor) (*groups, error) {
	g := &groups{Groups: t.Groups, awq: t.Type == weights.AWQ4}
	if !Supported(g.Scales.Type) {
		return nil, errType(g.Scales)
	}
	if g.Index == nil {
		return g, nil
	}
	g.index = make([]int32, t.Shape[1])
	n := int32(g.Scales.Shape[0])
	for i := range g.index {
		g.index[i] = int32(binary.LittleEndian.Uint32(g.Index.Data[4*i:]))
		if g.index[i] < 0 || g.index[i] >= n {
			return nil, fmt.Errorf("tensor %s: got group %d for input %d, want 0 to %d", g.Index.Name, g.index[i], i, n-1)
		}
	}
	return g, nil
}

// unpack implements panels.
func (g *groups) unpack(dst []float32, m *Matrix, first, rows int) {
	for ; rows > panelRows; first, rows, dst = first+panelRows, rows-panelRows, dst[panelRows*m.Cols:] {
		g.unpack(dst, m, first, panelRows)
	}
	var scale [panelRows]float32
	var zero [panelRows]int32
	current := -1
	for i := range m.Cols {
		if of := g.group(i); of != current {
			current = of
			g.load(&scale, &zero, of, first, rows, m.Rows)
		}
		for r := range rows {
			dst[r*m.Cols+i] = scale[r] * float32(g.nibble(m.Data, m.Rows, i, first+r)-zero[r])
		}
	}
}

func (g *groups) group(input int) int {
	if g.index != nil {
		return int(g.index[input])
	}
	return input / g.Size
}

// load reads scales and zeros of a group for some outputs.
func (g *groups) load(scale *[panelRows]float32, zero *[panelRows]int32, of, first, rows, outputs int) {
	_, width := g.Scales.Type.Block()
	generic.unpack[g.Scales.Type](scale[:rows], g.Scales.Data[(of*outputs+first)*width:])
	for r := range rows {
		o := first + r
		word := binary.LittleEndian.Uint32(g.Zeros.Data[(of*outputs+o)/8*4:])
		zero[r] = int32(word>>g.shift(o)&15) + g.ZeroOffset
	}
}

// nibble is q[input][output]: GPTQ packs eight inputs into a word, AWQ eight
// outputs.
func (g *groups) nibble(data []byte, outputs, input, output int) int32 {
	if g.awq {
		word := binary.LittleEndian.Uint32(data[(input*outputs+output)/8*4:])
		return int32(word >> g.shift(output) & 15)
	}
	word := binary.LittleEndian.Uint32(data[(input/8*outputs+output)*4:])
	return int32(word >> (input % 8 * 4) & 15)
}

// shift is where an output lies in the word it shares with seven others.
func (g *groups) shift(output int) uint {
	if g.awq {
		return shiftsAWQ[output%8]
	}
	return uint(output % 8 * 4)
}
