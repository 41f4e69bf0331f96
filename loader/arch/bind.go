package arch

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// A linear is a matrix with a bias, nil where it has none: y = W·x + b.
type linear struct {
	kernels.Matrix
	Bias []float32 // [Rows]
}

// experts is one matrix per expert, views of one stacked tensor or of one
// tensor each.
type experts []linear

// bind fills the fields of a struct with the tensors that their tags name: the
// tag `gguf` for GGUF files, `hub` for Hub safetensors. `shape` gives the
// dimensions by the names of Config.sizes, and is checked.
//
//	Norm   []float32 `gguf:"output_norm" hub:"model.norm" shape:"dim"`
//	Q      linear    `gguf:"attn_q" hub:"self_attn.q_proj" shape:"q,dim" bias:"qkvbias"`
//	Gate   experts   `gguf:"ffn_gate_exps" hub:"mlp.experts.*.gate_proj" shape:"expertffn,dim"`
//	Attn   attention                                  fields of a struct without tags are its owner's
//	Layers []layer   `gguf:"blk" hub:"model.layers"`  a struct per layer, as long as it is
//
// ".weight" is appended to names, and ".bias" where the size that `bias` names
// is not 0. A field has no tensor where it has no tag for the format, or where
// the size that `if` names is 0. The option ",optional" leaves a field empty
// where its tensor is absent; ",bare" leaves ".weight" out. "a|b" is b where
// there is no a. "*" is the number of an expert; a name without it
// is that of a tensor that stacks them. Every tensor of d must find a field,
// except those that ignore names.
func bind(v any, d *weights.Directory, c *Config, ignore func(name string) bool) error {
	b := binder{d: d, tag: "hub", config: c, sizes: c.sizes(), left: map[string]bool{}}
	for name := range d.Tensors {
		b.left[name] = true
	}
	if d.Format == "gguf" {
		b.tag = "gguf"
	}
	if err := b.fields(reflect.ValueOf(v).Elem(), ""); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(b.left)) {
		if !ignore(name) {
			return fmt.Errorf("tensor %s: the architecture has no use for it", name)
		}
	}
	return nil
}

type binder struct {
	d      *weights.Directory
	tag    string
	config *Config
	sizes  map[string]int
	left   map[string]bool // tensors without a field
}

// fields binds the tagged fields of one struct.
func (b *binder) fields(s reflect.Value, prefix string) error {
	for i := range s.NumField() {
		f := s.Type().Field(i)
		tag, ok := f.Tag.Lookup(b.tag)
		condition, conditional := f.Tag.Lookup("if")
		var err error
		switch {
		case conditional && b.sizes[condition] == 0:
		case ok:
			err = b.field(s.Field(i), f.Tag, prefix, tag)
		case !tagged(f) && f.Type.Kind() == reflect.Struct && (f.Anonymous || f.IsExported()):
			err = b.fields(s.Field(i), prefix)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tagged tells whether a field names a tensor in any layout.
func tagged(f reflect.StructField) bool {
	_, hub := f.Tag.Lookup("hub")
	_, gguf := f.Tag.Lookup("gguf")
	return hub || gguf
}

// field binds one field.
func (b *binder) field(f reflect.Value, tags reflect.StructTag, prefix, tag string) error {
	name, option, _ := strings.Cut(tag, ",")
	first, second, _ := strings.Cut(name, "|")
	name = prefix + first
	if _, there := b.d.Tensors[name+".weight"]; !there && second != "" {
		name = prefix + second
	}
	if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct && f.Type() != reflect.TypeFor[experts]() {
		for i := range f.Len() {
			maps.Copy(b.sizes, b.config.layerSizes(i))
			if err := b.fields(f.Index(i), name+"."+strconv.Itoa(i)+"."); err != nil {
				return err
			}
		}
		return nil
	}
	if _, there := b.d.Tensors[name+".weight"]; !there && option == "optional" {
		return nil
	}
	shape := b.shape(tags)
	switch p := f.Addr().Interface().(type) {
	case *kernels.Matrix:
		return b.matrix(p, name, shape)
	case *linear:
		return b.linear(p, name, tags, shape)
	case *experts:
		return b.experts(p, name, option, tags, shape)
	case *layerNorm:
		if err := b.vector(&p.W, name+".weight", shape); err != nil {
			return err
		}
		if bias, ok := tags.Lookup("bias"); ok && b.sizes[bias] == 0 {
			p.B = make([]float32, len(p.W))
			return nil
		}
		return b.vector(&p.B, name+".bias", shape)
	case *[]float32:
		if option == "bare" {
			return b.vector(p, name, shape)
		}
		return b.vector(p, name+".weight", shape)
	}
	return fmt.Errorf("tensor %s: a field of type %v cannot hold it", name, f.Type())
}

// shape is what the tag demands.
func (b *binder) shape(tags reflect.StructTag) []int {
	var shape []int
	for s := range strings.SplitSeq(tags.Get("shape"), ",") {
		n, ok := b.sizes[s]
		if !ok {
			panic("arch: no size is called " + strconv.Quote(s))
		}
		shape = append(shape, n)
	}
	return shape
}

// take is the tensor of a name with the shape that is wanted.
func (b *binder) take(name string, shape []int) (weights.Tensor, error) {
	t, ok := b.d.Tensors[name]
	if !ok {
		return t, fmt.Errorf("tensor %s: it is missing", name)
	}
	if !slices.Equal(t.Shape, shape) {
		return t, fmt.Errorf("tensor %s: got shape %v, want %v", name, t.Shape, shape)
	}
	delete(b.left, name)
	return t, nil
}

func (b *binder) matrix(p *kernels.Matrix, name string, shape []int) error {
	t, err := b.take(name+".weight", shape)
	if err != nil {
		return err
	}
	*p, err = kernels.NewMatrix(t)
	return err
}

func (b *binder) vector(p *[]float32, name string, shape []int) error {
	t, ok := b.d.Tensors[name]
	if want := plain(shape); ok && slices.Equal(plain(t.Shape), want) && len(want) > 1 {
		// Not a vector, but to be read like one: its values in order.
		n := 1
		for _, d := range want {
			n *= d
		}
		delete(b.left, name)
		t.Shape = []int{n}
	} else if _, err := b.take(name, shape); err != nil {
		return err
	}
	var err error
	*p, err = kernels.NewVector(t)
	return err
}

// plain is a shape without the dimensions of 1.
func plain(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}

func (b *binder) linear(p *linear, name string, tags reflect.StructTag, shape []int) error {
	if err := b.matrix(&p.Matrix, name, shape); err != nil {
		return err
	}
	if bias, ok := tags.Lookup("bias"); !ok || b.sizes[bias] == 0 {
		return nil
	}
	return b.vector(&p.Bias, name+".bias", shape[:1])
}
