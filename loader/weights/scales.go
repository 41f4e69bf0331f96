package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A Scale is what the values of a matrix of 8-bit floats are multiplied by.
type Scale struct {
	Tensor
	Rows, Cols int // size of the rectangle that one scale is for
}

// Groups is what a matrix in 4-bit groups has besides its values. Everything is
// [groups][outputs], zeros eight to a word; Shape of the matrix is [outputs]
// [inputs] as everywhere, though the values lie transposed.
type Groups struct {
	Scales, Zeros Tensor
	Index         *Tensor // I32 [inputs]: the group of each; nil: Size after Size
	Size          int     // inputs per group
	ZeroOffset    int32   // what is added to the zeros that are stored
}

// scaleBlock is the rectangle of scales that do not divide their matrix.
const scaleBlock = 128

// maxQuantConfig bounds the file that describes 4-bit groups, in bytes.
const maxQuantConfig = 4 << 20

// attach puts scales and zeros where they belong and leaves one tensor per
// matrix: W.weight_scale or W.weight_scale_inv beside 8-bit floats; W.qweight,
// W.qzeros, W.scales and W.g_idx become W.weight. Scales for activations go:
// activations stay float32.
func (h *Header) attach(byName map[string]File) error {
	for _, name := range slices.Sorted(maps.Keys(h.Tensors)) {
		t, ok := h.Tensors[name]
		if !ok {
			continue
		}
		var err error
		if base, ok := strings.CutSuffix(name, ".weight"); ok && (t.Type == F8_E4M3 || t.Type == F8_E5M2) {
			err = h.attachScale(base, t)
		} else if base, ok := strings.CutSuffix(name, ".qweight"); ok && h.Format == "safetensors" {
			err = h.attachGroups(base, t, byName)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// activationScales end the names of scales for what is not rounded here: what
// goes into a module or out of it, and keys and values that are remembered.
var activationScales = []string{".input_scale", ".activation_scale", ".input_scale_ub", ".output_scale", ".k_scale", ".v_scale"}

// take removes a tensor.
func (h *Header) take(name string) (Tensor, bool) {
	t, ok := h.Tensors[name]
	delete(h.Tensors, name)
	return t, ok
}

// attachScale finds the scales of a matrix of 8-bit floats, if it has any.
func (h *Header) attachScale(base string, t Tensor) error {
	parent := base[:max(strings.LastIndexByte(base, '.'), 0)]
	for _, name := range activationScales {
		h.take(base + name)
		h.take(parent + name)
	}
	f := h.files[t.file]
	for _, suffix := range []string{".weight_scale", ".weight_scale_inv"} {
		s, ok := h.take(base + suffix)
		if !ok {
			continue
		}
		if t.Scale != nil || len(t.Shape) != 2 || t.Parts != nil {
			return tensorError(f, s.Name, "got it for a tensor of shape %v, want one scale for a matrix in one place", t.Shape)
		}
		rows, cols, ok := rectangle(t.Shape, s.Shape)
		if !ok {
			return tensorError(f, s.Name, "got shape %v for a matrix of %v", s.Shape, t.Shape)
		}
		t.Scale = &Scale{s, rows, cols}
	}
	h.Tensors[t.Name] = t
	return nil
}

// rectangle is what one scale of the given shape is for: all of a matrix, a
// row, or a block.
func rectangle(matrix, scale []int) (rows, cols int, ok bool) {
	switch len(scale) {
	case 0:
		return max(matrix[0], 1), max(matrix[1], 1), true
	case 1:
		scale = []int{scale[0], 1}
	}
	if len(scale) != 2 {
		return 0, 0, false
	}
	rows, ok1 := blockSize(matrix[0], scale[0])
	cols, ok2 := blockSize(matrix[1], scale[1])
	return rows, cols, ok1 && ok2
}

// blockSize is the number of values that one of n scales is for.
func blockSize(values, n int) (int, bool) {
	switch {
	case n < 1 || n > values:
		return 0, false
	case (values+scaleBlock-1)/scaleBlock == n && n > 1:
		return scaleBlock, true
	}
	return values / n, values%n == 0
}

// attachGroups makes one matrix of the tensors of a GPTQ or AWQ module.
func (h *Header) attachGroups(base string, q Tensor, byName map[string]File) error {
	h.take(q.Name)
	f := h.files[q.file]
	scales, ok1 := h.take(base + ".scales")
	zeros, ok2 := h.take(base + ".qzeros")
	if !ok1 || !ok2 {
		return tensorError(f, q.Name, "got no scales and qzeros beside it, want both")
	}
	for _, t := range []Tensor{q, scales, zeros} {
		if len(t.Shape) != 2 || t.Len() == 0 {
			return tensorError(f, t.Name, "got shape %v, want two dimensions", t.Shape)
		}
	}
	groups, outputs := scales.Shape[0], scales.Shape[1]
	if q.Type != i32 || zeros.Type != i32 || zeros.Shape[0] != groups || zeros.Shape[1]*8 != outputs {
		return tensorError(f, q.Name, "got zeros of shape %v for scales of %v, want 4 bits each in I32", zeros.Shape, scales.Shape)
	}
	offset, err := zeroOffset(byName)
	if err != nil {
		return err
	}
	t := Tensor{Name: base + ".weight", Type: GPTQ4, Shape: []int{outputs, q.Shape[0] * 8}, place: q.place}
	if q.Shape[1]*8 == outputs {
		t.Type, t.Shape[1], offset = AWQ4, q.Shape[0], 0
	} else if q.Shape[1] != outputs {
		return tensorError(f, q.Name, "got shape %v, want [inputs/8 %d] (GPTQ) or [inputs %d] (AWQ), 4 bits", q.Shape, outputs, outputs/8)
	}
	inputs := t.Shape[1]
	g := &Groups{Scales: scales, Zeros: zeros, Size: (inputs + groups - 1) / groups, ZeroOffset: offset}
	if index, ok := h.take(base + ".g_idx"); ok {
		if len(index.Shape) != 1 || index.Shape[0] != inputs || index.Type != i32 {
			return tensorError(f, index.Name, "got shape %v of %v, want [%d] of I32", index.Shape, index.Type, inputs)
		}
		g.Index = &index
	}
	t.Groups = g
	return h.add(f, t)
}

// zeroOffset is what GPTQ's first file format subtracted from its zeros.
func zeroOffset(byName map[string]File) (int32, error) {
	var c struct {
		Quant struct {
			Bits   *int   `json:"bits"`
			Format string `json:"checkpoint_format"`
		} `json:"quantization_config"`
	}
	f, ok := byName["config.json"]
	if !ok {
		return 1, nil
	}
	if f.Size > maxQuantConfig {
		return 0, headerError(f, "got %d bytes, want at most %d", f.Size, maxQuantConfig)
	}
	b, err := io.ReadAll(io.NewSectionReader(f.R, 0, f.Size))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", f.Path, err)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&c); err != nil {
		return 0, jsonError(f, err)
	}
	if c.Quant.Bits != nil && *c.Quant.Bits != 4 {
		return 0, headerError(f, "got quantization_config.bits %d, want 4", *c.Quant.Bits)
	}
	switch c.Quant.Format {
	case "", "gptq":
		return 1, nil
	case "gptq_v2", "gemm":
		return 0, nil
	}
	return 0, headerError(f, "got quantization_config.checkpoint_format %.40q, want gptq or gptq_v2", c.Quant.Format)
}
