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
	// inOrder: eight inputs that share words are of one group.
	inOrder bool
}

// shiftsAWQ is where AWQ puts eight neighbouring outputs in a word, in bits.
var shiftsAWQ = [8]uint{0, 16, 4, 20, 8, 24, 12, 28}

func newGroups(t weights.Tensor) (*groups, error) {
	g := &groups{Groups: t.Groups, awq: t.Type == weights.AWQ4}
	if !Supported(g.Scales.Type) {
		return nil, errType(g.Scales)
	}
	g.inOrder = !g.awq && g.Size%8 == 0
	if g.Index == nil {
		return g, nil
	}
	g.inOrder = !g.awq
	g.index = make([]int32, t.Shape[1])
	n := int32(g.Scales.Shape[0])
	for i := range g.index {
		g.index[i] = int32(binary.LittleEndian.Uint32(g.Index.Data[4*i:]))
		if g.index[i] < 0 || g.index[i] >= n {
			return nil, fmt.Errorf("tensor %s: got group %d for input %d, want 0 to %d", g.Index.Name, g.index[i], i, n-1)
		}
		g.inOrder = g.inOrder && g.index[i] == g.index[i&^7]
	}
	return g, nil
}

// unpack implements panels. It works on tiles, so that what it writes is not
// spread over memory.
func (g *groups) unpack(dst []float32, m *Matrix, first, rows int) {
	for ; rows > panelRows; first, rows, dst = first+panelRows, rows-panelRows, dst[panelRows*m.Cols:] {
		g.unpack(dst, m, first, panelRows)
	}
	outputs := groupOutputs{n: rows}
	for r := range rows {
		outputs.at[r], outputs.shift[r] = g.place(first + r)
	}
	for start := 0; start < m.Cols; start += tileWidth {
		n := min(tileWidth, m.Cols-start)
		g.tile(&outputs, m, first, start, n)
		for r := range rows {
			copy(dst[r*m.Cols+start:], outputs.tile[r][:n])
		}
	}
}

// tile unpacks n inputs from start on.
func (g *groups) tile(o *groupOutputs, m *Matrix, first, start, n int) {
	for i := 0; i < n; i++ {
		if of := g.group(start + i); !o.loaded || of != o.group {
			g.load(o, of, first, m.Rows)
		}
		line, shift := g.line(m, start+i)
		if g.inOrder && i%8 == 0 && n-i >= 8 {
			o.eight(line, i)
			i += 7
			continue
		}
		for r := range o.n {
			word := binary.LittleEndian.Uint32(line[o.at[r]:])
			q := int32(word >> ((o.shift[r] + shift) & 31) & 15)
			o.tile[r][i] = o.scale[r] * float32(q-o.zero[r])
		}
	}
}

// tileWidth is how many columns are unpacked before they are copied to their
// rows: rows lie far apart, often at a power of two.
const tileWidth = 32

// groupOutputs is what neighbouring outputs have in one group of inputs.
type groupOutputs struct {
	n     int
	at    [panelRows]int  // where the word of each lies in a line, in bytes
	shift [panelRows]uint // and where it lies in the word, in bits

	group  int // that scale and zero are of
	loaded bool
	scale  [panelRows]float32
	zero   [panelRows]int32

	tile [panelRows][tileWidth]float32
}

// eight unpacks eight inputs of one group that share words.
func (o *groupOutputs) eight(line []byte, i int) {
	for r := range o.n {
		word := binary.LittleEndian.Uint32(line[4*r+o.at[0]:])
		s, z := o.scale[r], o.zero[r]
		y := o.tile[r][i : i+8 : i+8]
		y[0] = s * float32(int32(word&15)-z)
		y[1] = s * float32(int32(word>>4&15)-z)
		y[2] = s * float32(int32(word>>8&15)-z)
		y[3] = s * float32(int32(word>>12&15)-z)
		y[4] = s * float32(int32(word>>16&15)-z)
		y[5] = s * float32(int32(word>>20&15)-z)
		y[6] = s * float32(int32(word>>24&15)-z)
		y[7] = s * float32(int32(word>>28)-z)
	}
}

// place is where an output lies in a line of values: GPTQ packs eight inputs
// into a word, AWQ eight outputs.
func (g *groups) place(output int) (at int, shift uint) {
	if g.awq {
		return output / 8 * 4, shiftsAWQ[output%8]
	}
	return output * 4, 0
}

// line is the words that have the values of one input, and where in them.
func (g *groups) line(m *Matrix, input int) (line []byte, shift uint) {
	if g.awq {
		return m.Data[input*m.Rows/2:], 0
	}
	return m.Data[input/8*m.Rows*4:], uint(input % 8 * 4)
}

func (g *groups) group(input int) int {
	if g.index != nil {
		return int(g.index[input])
	}
	return input / g.Size
}

// load reads scales and zeros of a group for neighbouring outputs.
func (g *groups) load(o *groupOutputs, of, first, outputs int) {
	o.group, o.loaded = of, true
	_, width := g.Scales.Type.Block()
	generic.unpack[g.Scales.Type](o.scale[:o.n], g.Scales.Data[(of*outputs+first)*width:])
	for r := range o.n {
		at := first + r
		shift := uint(at % 8 * 4)
		if g.awq {
			shift = shiftsAWQ[at%8]
		}
		word := binary.LittleEndian.Uint32(g.Zeros.Data[(of*outputs+at)/8*4:])
		o.zero[r] = int32(word>>shift&15) + g.ZeroOffset
	}
}
