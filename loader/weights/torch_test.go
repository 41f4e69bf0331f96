package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// values reads a matrix of a Directory as float32, by rows.
func values(t *testing.T, x Tensor) [][]float32 {
	t.Helper()
	out := make([][]float32, x.Shape[0])
	for r := range out {
		out[r] = make([]float32, x.Shape[1])
	}
	list := x.Parts
	if list == nil {
		list = []Part{{Rows: x.Shape[0], Cols: x.Shape[1], Data: x.Data}}
	}
	_, size := x.Type.Block()
	for _, p := range list {
		for i := range p.Rows * p.Cols {
			r, c := i/p.Cols, i%p.Cols
			if p.Transposed {
				r, c = i%p.Rows, i/p.Rows
			}
			out[p.Row+r][p.Col+c] = number(t, x.Type, p.Data[i*size:])
		}
	}
	return out
}

func number(t *testing.T, typ Type, b []byte) float32 {
	t.Helper()
	switch typ {
	case F32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case BF16:
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	case F64:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case F16:
		h := binary.LittleEndian.Uint16(b)
		v := math.Ldexp(float64(h&1023|1024), int(h>>10&31)-25)
		if h>>10&31 == 0 {
			v = math.Ldexp(float64(h&1023), -24)
		}
		return float32(math.Copysign(v, 1-2*float64(h>>15)))
	}
	t.Fatalf("got type %v", typ)
	return 0
}

// expected reads what testdata/make.py says is in its files.
func expected(t *testing.T) map[string][][]float32 {
	t.Helper()
	b, err := os.ReadFile("testdata/expect.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][][]float32
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// load maps files of testdata under other names.
func load(t *testing.T, names map[string]string) *Directory {
	t.Helper()
	files := map[string][]byte{}
	for as, name := range names {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files[as] = b
	}
	d := mapped(t, onDisk(t, files))
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// TestTorch reads what torch.save wrote: every dtype, views, transposed and
// empty tensors.
func TestTorch(t *testing.T) {
	d := load(t, map[string]string{"consolidated.00.pth": "sound.pth", paramsFile: "mixtral/params.json"})
	if d.Format != "pth" || d.Layout != "consolidated" || !d.Interleaved || len(d.Tensors) != 15 {
		t.Errorf("got format %s, layout %s, %d tensors", d.Format, d.Layout, len(d.Tensors))
	}
	checked := 0
	for name, want := range expected(t) {
		x, ok := d.Tensors[name]
		if !ok {
			continue
		}
		checked++
		if got := values(t, x); !slices.EqualFunc(got, want, slices.Equal) && len(want) > 0 {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]Type{"i64": i64, "i32": i32, "u8": u8, "bool": boolean, "scalar": F32, "parameter": F32} {
		if d.Tensors[name].Type != want {
			t.Errorf("%s: got type %v, want %v", name, d.Tensors[name].Type, want)
		}
	}
	if checked != 8 {
		t.Errorf("compared %d matrices, want 8", checked)
	}
}

// TestMixtral reads three shards, each with other tensors, and cuts the stacked
// experts apart without copying them.
func TestMixtral(t *testing.T) {
	d := load(t, map[string]string{
		"consolidated.00.pt": "mixtral/consolidated.00.pt", "consolidated.01.pt": "mixtral/consolidated.01.pt",
		"consolidated.02.pt": "mixtral/consolidated.02.pt", paramsFile: "mixtral/params.json",
	})
	checked := 0
	for name, want := range expected(t) {
		x, ok := d.Tensors[name]
		if !ok {
			continue
		}
		checked++
		if got := values(t, x); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if checked != 7 || len(d.Tensors) != 16 {
		t.Errorf("compared %d matrices of %d, want 7 of 16", checked, len(d.Tensors))
	}
	for name := range d.Tensors {
		if !strings.HasPrefix(name, "model.") && name != "lm_head.weight" {
			t.Errorf("got tensor %s, want the Hub's names", name)
		}
	}
}

// TestTorchAttacks reads files of torch.save and its like that must be refused.
func TestTorchAttacks(t *testing.T) {
	for name, want := range map[string]string{
		"system": `"posix.system", which is not on the list`, "eval": `eval", which is not on the list`,
		"getattr": `getattr", which is not on the list`, "hub": `"torch.hub.load", which is not`,
		"nested": "got a dict, want a tensor", "strided": "strides [4 1] for shape [3 2]", "old": "bare pickle",
		"deflated": "compression method 8", "protocol0": "not on the list", "protocol4": `"posix.system", which`,
	} {
		b, err := os.ReadFile("testdata/attack-" + name + ".pth")
		if err != nil {
			t.Fatal(err)
		}
		_, err = readTorchBytes(b)
		wantError(t, err, "read consolidated.00.pth", want)
	}
	if _, err := os.Stat("testdata/pwned"); err == nil {
		t.Error("an attack was run")
	}
}

// pickleOf wraps instructions as an archive with one storage of 8 bytes.
func pickleOf(ops string) []byte {
	return makeZip("x/data.pkl", ops, "x/data/0", "01234567").b
}

const (
	pickleTensor  = "ctorch._utils\n_rebuild_tensor_v2\n"
	pickleStorage = "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"
)

// tensorOf is a dict of one tensor with the given offset, shape and strides, as
// instructions.
func tensorOf(offset, shape, stride string) string {
	return "\x80\x02}X\x01\x00\x00\x00w" + pickleTensor + "(" + pickleStorage + offset + shape + stride + "\x89}tRs."
}

// pickleAttacks are pickles that must be refused.
func pickleAttacks() map[string]struct{ ops, want string } {
	sound := tensorOf("K\x00", "K\x02\x85", "K\x01\x85")
	item := sound[3 : len(sound)-1]
	return map[string]struct{ ops, want string }{
		"empty":               {"", "cut short"},
		"no stop":             {"\x80\x02}", "cut short"},
		"cut short":           {sound[:5], "cut short"},
		"protocol 1":          {"\x80\x01}.", "protocol 1"},
		"protocol 9":          {"\x80\x09}.", "protocol 9"},
		"os.system":           {"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", `"os.system", which is not on the list`},
		"nt.system by stack":  {"\x80\x04\x8c\x02nt\x8c\x06system\x93\x8c\x02ls\x85R.", `"nt.system"`},
		"builtins.exec":       {"\x80\x02cbuiltins\nexec\n.", `"builtins.exec"`},
		"a dotted name":       {"\x80\x02ctorch\n_utils._rebuild_tensor_v2\n.", "not on the list"},
		"INST":                {"\x80\x02(ios\nsystem\n.", "opcode 0x69"},
		"OBJ":                 {"\x80\x02(o.", "opcode 0x6f"},
		"NEWOBJ":              {"\x80\x02)\x81.", "opcode 0x81"},
		"EXT1":                {"\x80\x02\x82\x01.", "opcode 0x82"},
		"PERSID":              {"\x80\x02P0\n.", "opcode 0x50"},
		"BUFFER":              {"\x80\x05\x97.", "opcode 0x97"},
		"a call of a call":    {"\x80\x02K\x01)R.", "no global"},
		"a storage called":    {"\x80\x02ctorch\nFloatStorage\n)R.", "arguments"},
		"OrderedDict of args": {"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.", "arguments"},
		"tensor of nothing":   {"\x80\x02" + pickleTensor + ")R.", "arguments"},
		"parameter of a dict": {"\x80\x02ctorch._utils\n_rebuild_parameter\n}\x89\x89\x87R.", "arguments"},
		"persistent text":     {"\x80\x02X\x01\x00\x00\x00aQ.", "no storage"},
		"BUILD of a tensor":   {sound[:len(sound)-2] + "}bs.", "attributes for a tensor"},
		"stack empty":         {"\x80\x02s.", "nothing on the stack"},
		"no mark":             {"\x80\x02t.", "no mark"},
		"pop a mark":          {"\x80\x02}(s.", "nothing on the stack"},
		"left over":           {"\x80\x02}}.", "left at the end"},
		"memo":                {"\x80\x02h\x07.", "memo 7"},
		"odd items":           {"\x80\x02}(K\x01u.", "keys with values"},
		"items of a number":   {"\x80\x02K\x01(K\x01e.", "want a dict or a list"},
		"long text":           {"\x80\x02X\xff\xff\xff\x7f.", "2147483647 bytes"},
		"text not UTF-8":      {"\x80\x02X\x01\x00\x00\x00\xff.", "UTF-8"},
		"long number":         {"\x80\x02\x8a\xff.", "255 bytes"},
		"endless name":        {"\x80\x02c" + strings.Repeat("a", 5000), "without an end"},
		"endless":             {"\x80\x02" + strings.Repeat("N", MaxPickleOps), "more than"},
		"a list":              {"\x80\x02].", "got a list"},
		"a number for a name": {"\x80\x02}K\x01K\x01s.", "as a name"},
		"no name":             {strings.Replace(sound, "X\x01\x00\x00\x00w", "X\x00\x00\x00\x00", 1), "as a name"},
		"no tensor":           {"\x80\x02}X\x01\x00\x00\x00wNs.", "want a tensor"},
		"twice":               {"\x80\x02}" + item + item + ".", "two tensors"},
		"missing storage":     {strings.Replace(sound, "\x000X", "\x009X", 1), "not in the archive"},
		"storage a path":      {strings.Replace(sound, "X\x01\x00\x00\x000X", "X\x0b\x00\x00\x00../data.pklX", 1), "not in the archive"},
		"storage too large":   {strings.Replace(sound, "cpuK\x02", "cpuK\x03", 1), "want 3 values"},
		"storage negative":    {strings.Replace(sound, "cpuK\x02", "cpuJ\xff\xff\xff\xff", 1), "no storage"},
		"storage of 2^62":     {strings.Replace(sound, "cpuK\x02", "cpu\x8a\x08\x02\x00\x00\x00\x00\x00\x00\x40", 1), "values of F32"},
		"offset":              {tensorOf("K\x01", "K\x02\x85", "K\x01\x85"), "from value 1 on"},
		"offset negative":     {tensorOf("J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85"), "from value -1"},
		"shape too large":     {tensorOf("K\x00", "K\x03\x85", "K\x01\x85"), "12 bytes"},
		"shape negative":      {tensorOf("K\x00", "J\xff\xff\xff\xff\x85", "K\x01\x85"), "dimension -1"},
		"shape overflows":     {tensorOf("K\x00", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "K\x01K\x01K\x01\x87"), "overflows"},
		"dimension of 2^40":   {tensorOf("K\x00", "\x8a\x06\x00\x00\x00\x00\x00\x01\x85", "K\x01\x85"), "whole numbers up to"},
		"strides missing":     {tensorOf("K\x00", "K\x02\x85", ")"), "1 dimensions and 0 strides"},
		"stride 0":            {tensorOf("K\x00", "K\x02\x85", "K\x00\x85"), "strides [0]"},
		"stride text":         {tensorOf("K\x00", "K\x02\x85", "X\x01\x00\x00\x00a\x85"), "whole numbers"},
		"9 dimensions":        {tensorOf("K\x00", "("+strings.Repeat("K\x01", 9)+"t", "("+strings.Repeat("K\x01", 9)+"t"), "9 dimensions"},
	}
}

// TestPickleBad wants every attack refused with the place where it was found,
// cheaply.
func TestPickleBad(t *testing.T) {
	if _, err := readTorchBytes(pickleOf(tensorOf("K\x00", "K\x02\x85", "K\x01\x85"))); err != nil {
		t.Fatalf("the sound one: %v", err)
	}
	for name, c := range pickleAttacks() {
		t.Run(name, func(t *testing.T) {
			b := pickleOf(c.ops)
			err := readHeader(t, map[string][]byte{"consolidated.00.pth": b, paramsFile: []byte("{}")})
			wantError(t, err, "read consolidated.00.pth at byte", c.want)
			var f *FormatError
			if !errors.As(err, &f) {
				t.Errorf("got %T, want a *FormatError", err)
			}
		})
	}
}

// TestTorchArchive wants archives refused that do not hold what they should.
func TestTorchArchive(t *testing.T) {
	for want, files := range map[string][]string{
		"0 files data.pkl":         {"x/data", "a"},
		"2 files data.pkl":         {"x/data.pkl", "}.", "y/data.pkl", "}."},
		`byte order "big"`:         {"x/data.pkl", "\x80\x02}.", "x/byteorder", "big"},
		"a pickle of 8388609":      {"x/data.pkl", strings.Repeat("N", MaxPickle+1)},
		"want a ZIP archive":       nil,
		"got 0 files data.pkl":     {"data.pkl", "\x80\x02}."},
		"in the archive, want one": {"x/y/data.pkl", "\x80\x02}."},
	} {
		b := []byte("not an archive, and longer than the end of one")
		if files != nil {
			b = makeZip(files...).b
		}
		_, err := readTorchBytes(b)
		wantError(t, err, "read consolidated.00.pth", want)
	}
}

// checkBounds checks that tensors and their parts lie in files of that size, and
// parts in their matrix.
func checkBounds(t *testing.T, h *Header, size int) {
	t.Helper()
	for _, x := range h.Tensors {
		places := []place{x.place}
		if x.Parts != nil {
			places = nil // its own place is the sum of the parts
		}
		for _, p := range x.Parts {
			places = append(places, p.place)
			if p.Row < 0 || p.Col < 0 || p.Row+p.Rows > x.Shape[0] || p.Col+p.Cols > x.Shape[1] {
				t.Errorf("tensor %s: got a part at %d, %d of [%d %d]", describe(x), p.Row, p.Col, p.Rows, p.Cols)
			}
		}
		for _, p := range places {
			if p.offset < 0 || p.size < 0 || p.offset+p.size > int64(size) {
				t.Errorf("tensor %s: got %d bytes at %d in a file of %d", describe(x), p.size, p.offset, size)
			}
		}
	}
}

func FuzzPickle(f *testing.F) {
	f.Add([]byte(tensorOf("K\x00", "K\x02\x85", "K\x01\x85")))
	for _, c := range pickleAttacks() {
		f.Add([]byte(c.ops[:min(len(c.ops), 4096)]))
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		h, err := readTorchBytes(makeZip("x/data.pkl", string(ops), "x/data/0", "01234567").b)
		if err != nil {
			return
		}
		checkBounds(t, h, 1<<20)
		for _, x := range h.Tensors {
			if x.size > 8 {
				t.Errorf("tensor %s: got %d bytes of a storage of 8", describe(x), x.size)
			}
		}
	})
}

func FuzzTorch(f *testing.F) {
	for _, name := range []string{"sound", "attack-system", "attack-deflated", "attack-strided", "attack-old"} {
		b, err := os.ReadFile("testdata/" + name + ".pth")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readTorchBytes(b)
		if err != nil {
			return
		}
		checkBounds(t, h, len(b))
	})
}

// TestShardsOfOneModel wants shards refused that do not belong together.
func TestShardsOfOneModel(t *testing.T) {
	part := func(name, shape, stride string) []byte {
		ops := strings.Replace(tensorOf("K\x00", shape, stride), "X\x01\x00\x00\x00w", "X"+string(binary.LittleEndian.AppendUint32(nil, uint32(len(name))))+name, 1)
		return pickleOf(ops)
	}
	row, col := part("output.weight", "K\x01K\x02\x86", "K\x02K\x01\x86"), part("output.weight", "K\x02K\x01\x86", "K\x01K\x01\x86")
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"sound":          {map[string][]byte{"consolidated.00.pth": row, "consolidated.01.pth": row}, ""},
		"shapes differ":  {map[string][]byte{"consolidated.00.pth": row, "consolidated.01.pth": col}, "got shape [2 1] in one shard"},
		"in two of 3":    {map[string][]byte{"consolidated.00.pth": row, "consolidated.01.pth": row, "consolidated.02.pth": part("x", "K\x02\x85", "K\x01\x85")}, "in 2 of 3 shards"},
		"first missing":  {map[string][]byte{"consolidated.01.pth": row}, "consolidated.00.pth should be"},
		"second missing": {map[string][]byte{"consolidated.00.pth": row, "consolidated.02.pth": row}, "consolidated.01.pth should be"},
		"two kinds":      {map[string][]byte{"consolidated.00.pth": row, "consolidated.01.pt": row}, "files of one kind"},
		"1 of 2":         {map[string][]byte{"consolidated-00001-of-00002.safetensors": nil}, "got 1 shards, want 2"},
		"stack":          {map[string][]byte{"consolidated.00.pth": part("layers.0.block_sparse_moe.w1", "K\x01K\x02\x86", "K\x02K\x01\x86")}, "no gate"},
	} {
		t.Run(name, func(t *testing.T) {
			c.files[paramsFile] = []byte("{}")
			h, err := ReadHeader(inMemory(c.files))
			if c.want != "" {
				wantError(t, err, c.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if x := h.Tensors["lm_head.weight"]; !slices.Equal(x.Shape, []int{2, 2}) || len(x.Parts) != 2 || x.Size() != 16 || x.Parts[1].Row != 1 {
				t.Errorf("got %v in %d parts, %d bytes", x.Shape, len(x.Parts), x.Size())
			}
		})
	}
}

// TestNoParams wants .pth files left alone where nothing says what they are.
func TestNoParams(t *testing.T) {
	_, err := ReadHeader([]File{{Path: "consolidated.00.pth", Size: 3, R: bytes.NewReader([]byte("abc"))}})
	if !errors.Is(err, ErrNoWeights) {
		t.Errorf("got %v, want ErrNoWeights", err)
	}
}

// FuzzConsolidated reads a header under the names of the consolidated layout,
// with the types that have scales beside them.
func FuzzConsolidated(f *testing.F) {
	entry := func(name, dtype, shape string, from, to int) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, from, to)
	}
	f.Add("{"+entry("layers.0.attention.wq.weight", "F8_E4M3", "[2,2]", 0, 4)+","+entry("layers.0.attention.wq.qscale_weight", "F32", "[]", 4, 8)+"}", 8)
	f.Add("{"+entry("layers.0.block_sparse_moe.w2", "BF16", "[4,2]", 0, 16)+","+entry("layers.0.block_sparse_moe.gate.weight", "BF16", "[2,2]", 16, 24)+"}", 24)
	f.Add("{"+entry("q.qweight", "I32", "[2,8]", 0, 64)+","+entry("q.qzeros", "I32", "[2,1]", 64, 72)+","+entry("q.scales", "F16", "[2,8]", 72, 104)+"}", 104)
	f.Add("{"+entry("output.weight", "F32", "[1,2]", 0, 8)+","+entry("rope.freqs", "F32", "[1]", 8, 12)+"}", 12)
	f.Fuzz(func(t *testing.T, header string, data int) {
		data = max(data, 0) % 4096
		b := safetensorsFile(header, data)
		h, err := ReadHeader(inMemory(map[string][]byte{
			"consolidated-00001-of-00002.safetensors": b, "consolidated-00002-of-00002.safetensors": b, paramsFile: []byte("{}"),
		}))
		if err != nil {
			return
		}
		checkBounds(t, h, len(b))
	})
}
