package weights

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// readTorch adds the tensors of one file that torch.save wrote, the release's
// file number index, to h: a ZIP archive with a pickle that lists them and one
// file for the bytes of each. Nothing in the pickle is run.
func (h *Header) readTorch(f File, index int) error {
	if err := refuseOldTorch(f); err != nil {
		return err
	}
	files, err := readZip(f, index)
	if err != nil {
		return err
	}
	root, pickle, err := findPickle(f, files)
	if err != nil {
		return err
	}
	if order, ok := files[root+"byteorder"]; ok {
		b, err := readAt(f, order.offset, int(min(order.size, 8)))
		if err != nil {
			return err
		}
		if string(b) != "little" {
			return headerError(f, "got byte order %q, want little", b)
		}
	}
	b, err := readAt(f, pickle.offset, int(pickle.size))
	if err != nil {
		return err
	}
	v, err := unpickle(f, pickle.offset, b)
	if err != nil {
		return err
	}
	dict, ok := v.(*pyDict)
	if !ok {
		return atByte(pickle.offset, headerError(f, "got %s, want a dict of tensors", kindOf(v)))
	}
	for i, k := range dict.keys {
		t, err := torchTensor(f, k, dict.values[i], func(key string) (place, bool) {
			p, ok := files[root+"data/"+key]
			return p, ok
		})
		if err == nil {
			err = h.add(f, t)
		}
		if err != nil {
			return atByte(pickle.offset, err)
		}
	}
	return nil
}

// torchTensor is one item of the dict.
func torchTensor(f File, key, value any, storage func(key string) (place, bool)) (Tensor, error) {
	name, ok := key.(string)
	if !ok || !validName(name) {
		return Tensor{}, headerError(f, "got %s as a name, want 1 to %d bytes of text", kindOf(key), MaxName)
	}
	t, ok := value.(*pyTensor)
	if !ok {
		return Tensor{}, tensorError(f, name, "got %s, want a tensor", kindOf(value))
	}
	return t.tensor(f, name, storage)
}

// refuseOldTorch names the formats that files of the same name may have.
func refuseOldTorch(f File) error {
	b, err := readAt(f, 0, int(min(f.Size, 4)))
	if err != nil {
		return err
	}
	if len(b) == 4 && u32le(b) == zipLocal {
		return nil
	}
	if len(b) > 1 && b[0] == 0x80 {
		return headerError(f, "got a bare pickle (torch.save before version 1.6), want a ZIP archive")
	}
	return zipError(f, 0, "got %q, want a ZIP archive", b)
}

// findPickle finds data.pkl and the folder, ending in "/", that everything is
// in.
func findPickle(f File, files map[string]place) (root string, p place, err error) {
	found := 0
	for name, at := range files {
		if dir, ok := strings.CutSuffix(name, "data.pkl"); ok && strings.Count(dir, "/") == 1 && strings.HasSuffix(dir, "/") {
			root, p = dir, at
			found++
		}
	}
	if found != 1 {
		return "", p, headerError(f, "got %d files data.pkl in the archive, want one", found)
	}
	if p.size > MaxPickle {
		return "", p, headerError(f, "got a pickle of %d bytes, want at most %d", p.size, MaxPickle)
	}
	return root, p, nil
}

// tensor finds the bytes of a view. Its values must lie row after row, or, for
// a matrix, column after column.
func (p *pyTensor) tensor(f File, name string, storage func(key string) (place, bool)) (Tensor, error) {
	s := p.storage
	at, ok := storage(s.key)
	if !ok {
		return Tensor{}, tensorError(f, name, "got storage %.40q, which is not in the archive", s.key)
	}
	_, width := s.typ.Block()
	if hi, n := bits.Mul64(uint64(s.values), uint64(width)); hi != 0 || n != uint64(at.size) {
		return Tensor{}, tensorError(f, name, "got a storage of %d bytes, want %d values of %v", at.size, s.values, s.typ)
	}
	shape, stride, err := p.dims()
	if err != nil {
		return Tensor{}, tensorError(f, name, "%v", err)
	}
	size, ok := tensorBytes(s.typ, shape)
	if !ok {
		return Tensor{}, tensorError(f, name, "got shape %v of %v: it overflows", shape, s.typ)
	}
	if p.offset < 0 || p.offset > s.values || size > (s.values-p.offset)*int64(width) {
		return Tensor{}, tensorError(f, name, "got %d bytes from value %d on, want them within a storage of %d", size, p.offset, at.size)
	}
	at.offset, at.size = at.offset+p.offset*int64(width), size
	t := Tensor{Name: name, Type: s.typ, Shape: shape, place: at}
	switch {
	case size == 0 || contiguous(shape, stride):
	case len(shape) == 2 && contiguous([]int{shape[1], shape[0]}, []int{stride[1], stride[0]}):
		t = inParts(s.typ, []Part{{Rows: shape[0], Cols: shape[1], Transposed: true, place: at}}, shape[0], shape[1])
		t.Name = name
	default:
		return Tensor{}, tensorError(f, name, "got strides %v for shape %v, want rows one after the other", stride, shape)
	}
	return t, nil
}

// dims checks shape and strides by themselves.
func (p *pyTensor) dims() (shape, stride []int, err error) {
	if len(p.shape) != len(p.stride) || len(p.shape) > MaxDims {
		return nil, nil, fmt.Errorf("got %d dimensions and %d strides, want up to %d of both", len(p.shape), len(p.stride), MaxDims)
	}
	for i := range p.shape {
		d, ok1 := p.shape[i].(int64)
		s, ok2 := p.stride[i].(int64)
		if !ok1 || !ok2 || d < 0 || d > math.MaxInt32 || s < 0 {
			return nil, nil, fmt.Errorf("got dimension %v with stride %v, want whole numbers up to %d", p.shape[i], p.stride[i], math.MaxInt32)
		}
		shape, stride = append(shape, int(d)), append(stride, int(s))
	}
	return slices.Clip(shape), stride, nil
}

// contiguous tells whether values lie without gap, the last dimension first.
func contiguous(shape, stride []int) bool {
	next := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] != 1 && stride[i] != next {
			return false
		}
		next *= shape[i]
	}
	return true
}
