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

// bind fills the fields of a struct with the tensors that their tags name: the
// tag `gguf` for GGUF files, `hub` for Hub safetensors.
//
//	Norm   []float32       `gguf:"output_norm" hub:"model.norm"`       a vector
//	Embed  kernels.Matrix  `gguf:"token_embd" hub:"model.embed_tokens"`
//	Layers []layer         `gguf:"blk" hub:"model.layers"`             a struct per layer
//
// ".weight" is appended to names of vectors and matrices. The option
// ",optional" leaves a field empty where its tensor is absent. A slice of
// structs has its length already. Every tensor of d must find a field, except
// those that ignore names.
func bind(v any, d *weights.Directory, ignore func(name string) bool) error {
	b := binder{d: d, left: map[string]bool{}}
	for name := range d.Tensors {
		b.left[name] = true
	}
	b.tag = "hub"
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
	d    *weights.Directory
	tag  string
	left map[string]bool // tensors without a field
}

// fields binds the tagged fields of one struct.
func (b *binder) fields(s reflect.Value, prefix string) error {
	for i := range s.NumField() {
		tag, ok := s.Type().Field(i).Tag.Lookup(b.tag)
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		if err := b.field(s.Field(i), prefix+name, option == "optional"); err != nil {
			return err
		}
	}
	return nil
}

// field binds one field.
func (b *binder) field(f reflect.Value, name string, optional bool) error {
	if f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
		for i := range f.Len() {
			if err := b.fields(f.Index(i), name+"."+strconv.Itoa(i)+"."); err != nil {
				return err
			}
		}
		return nil
	}
	name += ".weight"
	t, ok := b.d.Tensors[name]
	if !ok {
		if optional {
			return nil
		}
		return fmt.Errorf("tensor %s: it is missing", name)
	}
	delete(b.left, name)
	switch p := f.Addr().Interface().(type) {
	case *kernels.Matrix:
		m, err := kernels.NewMatrix(t)
		*p = m
		return err
	case *[]float32:
		v, err := kernels.NewVector(t)
		*p = v
		return err
	}
	return fmt.Errorf("tensor %s: a field of type %v cannot hold it", name, f.Type())
}

// wantMatrix checks a shape against the config.
func wantMatrix(name string, m *kernels.Matrix, rows, cols int) error {
	if m.Rows != rows || m.Cols != cols {
		return fmt.Errorf("tensor %s: got shape [%d %d], want [%d %d]", name, m.Rows, m.Cols, rows, cols)
	}
	return nil
}

// wantVector checks a length against the config.
func wantVector(name string, v []float32, n int) error {
	if len(v) != n {
		return fmt.Errorf("tensor %s: got %d values, want %d", name, len(v), n)
	}
	return nil
}
