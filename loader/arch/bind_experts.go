package arch

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// experts binds one tensor per expert, or the slices of one.
func (b *binder) experts(p *experts, name, option string, tags reflect.StructTag, shape []int) error {
	n := b.sizes["experts"]
	*p = make(experts, n)
	switch {
	case option == "transposed":
		return b.transposed(*p, name, shape)
	case !strings.Contains(name, "*"):
		return b.stacked(*p, name, tags, shape)
	}
	for i := range n {
		if err := b.linear(&(*p)[i], strings.Replace(name, "*", strconv.Itoa(i), 1), tags, shape); err != nil {
			return err
		}
	}
	return nil
}

// stacked binds the slices of one tensor, [experts] and shape, and of its bias.
func (b *binder) stacked(p experts, name string, tags reflect.StructTag, shape []int) error {
	t, err := b.takeStack(name+".weight", append([]int{len(p)}, shape...))
	if err != nil {
		return err
	}
	for i := range p {
		one := t
		one.Shape, one.Data = shape, slice(t, i, len(p))
		if p[i].Matrix, err = kernels.NewMatrix(one); err != nil {
			return err
		}
	}
	if bias, ok := tags.Lookup("bias"); !ok || b.sizes[bias] == 0 {
		return nil
	}
	return b.stackedBias(p, name+".bias", shape[0])
}

// transposed binds the slices of one tensor that has columns before rows and
// no ".weight" in its name, as gpt-oss has; or of one of MXFP4 with scales
// beside it, which has rows first. Their biases are "_bias".
func (b *binder) transposed(p experts, name string, shape []int) error {
	rows, cols := shape[0], shape[1]
	if err := b.stackedBias(p, name+"_bias", rows); err != nil {
		return err
	}
	if _, packed := b.d.Tensors[name+"_blocks"]; packed {
		return b.packed(p, name, rows, cols)
	}
	t, err := b.takeStack(name, []int{len(p), cols, rows})
	if err != nil {
		return err
	}
	if values, _ := t.Type.Block(); values != 1 {
		return fmt.Errorf("tensor %s: got type %v, want one without blocks for a transposed matrix", t.Name, t.Type)
	}
	for i := range p {
		part := weights.Part{Rows: rows, Cols: cols, Transposed: true, Data: slice(t, i, len(p))}
		one := weights.Tensor{Name: t.Name, Type: t.Type, Shape: shape, Parts: []weights.Part{part}}
		if p[i].Matrix, err = kernels.NewMatrix(one); err != nil {
			return err
		}
	}
	return nil
}

// packed binds experts in MXFP4.
func (b *binder) packed(p experts, name string, rows, cols int) error {
	const block, size = 32, 16
	values, err := b.takeStack(name+"_blocks", []int{len(p), rows, cols / block, size})
	if err != nil {
		return err
	}
	scales, err := b.takeStack(name+"_scales", []int{len(p), rows, cols / block})
	if err != nil {
		return err
	}
	for i := range p {
		if p[i].Matrix, err = kernels.NewMXFP4(rows, cols, slice(values, i, len(p)), slice(scales, i, len(p))); err != nil {
			return fmt.Errorf("tensor %s: %w", name, err)
		}
	}
	return nil
}

// stackedBias binds the biases of all experts: [experts][n].
func (b *binder) stackedBias(p experts, name string, n int) error {
	t, err := b.takeStack(name, []int{len(p), n})
	if err != nil {
		return err
	}
	t.Shape = []int{len(p) * n}
	all, err := kernels.NewVector(t)
	if err != nil {
		return err
	}
	for i := range p {
		p[i].Bias = all[i*n : (i+1)*n : (i+1)*n]
	}
	return nil
}

// takeStack is a tensor that is to be cut, which must be in one place.
func (b *binder) takeStack(name string, shape []int) (weights.Tensor, error) {
	t, err := b.take(name, shape)
	if err == nil && (t.Parts != nil || t.Scale != nil || t.Groups != nil) {
		return t, fmt.Errorf("tensor %s: got it in several shards or with scales beside it, want one place", name)
	}
	return t, err
}

// slice is the bytes of slice i of n.
func slice(t weights.Tensor, i, n int) []byte {
	size := len(t.Data) / n
	return t.Data[i*size : (i+1)*size : (i+1)*size]
}
