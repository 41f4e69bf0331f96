package weights

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestActivationScales leaves out the scales of what is not rounded here.
func TestActivationScales(t *testing.T) {
	b := fileOf(t, spec{"a.k_proj.weight", "F8_E4M3", "[2,2]"}, spec{"a.k_proj.weight_scale", "F32", "[]"}, spec{"a.k_proj.input_scale", "F32", "[1]"},
		spec{"a.k_proj.output_scale", "F32", "[1]"}, spec{"a.k_scale", "F32", "[1]"}, spec{"a.v_scale", "F32", "[1]"},
		spec{"b.k_scale", "F32", "[1]"}, spec{"c.weight", "BF16", "[1]"}, spec{"c.input_scale", "F32", "[1]"})
	h, err := ReadHeader(inMemory(map[string][]byte{"model.safetensors": b}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.k_proj.weight", "b.k_scale", "c.input_scale", "c.weight"}; !slices.Equal(names(h), want) {
		t.Errorf("got %v, want %v", names(h), want)
	}
}

// A spec is one tensor of a safetensors file: name, dtype, shape.
type spec struct{ name, dtype, shape string }

// fileOf is a file of zeros with the given tensors.
func fileOf(t *testing.T, specs ...spec) []byte {
	t.Helper()
	var entries []string
	end := 0
	for _, s := range specs {
		n := 1
		for _, d := range strings.Split(strings.Trim(s.shape, "[]"), ",") {
			v := 0
			if d != "" {
				if _, err := fmt.Sscan(d, &v); err != nil {
					t.Fatal(err)
				}
				n *= v
			}
		}
		_, size := dtypes[s.dtype].Block()
		entries = append(entries, fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, s.name, s.dtype, s.shape, end, end+n*size))
		end += n * size
	}
	return safetensorsFile("{"+strings.Join(entries, ",")+"}", end)
}

// TestScales attaches scales to 8-bit floats.
func TestScales(t *testing.T) {
	for _, c := range []struct {
		matrix, scale string
		rows, cols    int
	}{
		{"[256,384]", "[2,3]", 128, 128},
		{"[129,130]", "[2,2]", 128, 128},
		{"[6,10]", "[6,1]", 1, 10},
		{"[6,10]", "[6]", 1, 10},
		{"[6,10]", "[]", 6, 10},
		{"[6,10]", "[1]", 6, 10},
		{"[6,64]", "[3,2]", 2, 32},
	} {
		b := fileOf(t, spec{"x.weight", "F8_E4M3", c.matrix}, spec{"x.weight_scale", "F32", c.scale}, spec{"x.input_scale", "F32", "[]"})
		h, err := ReadHeader(inMemory(map[string][]byte{"model.safetensors": b}))
		if err != nil {
			t.Errorf("%s by %s: %v", c.matrix, c.scale, err)
			continue
		}
		x := h.Tensors["x.weight"]
		if x.Scale == nil || x.Scale.Rows != c.rows || x.Scale.Cols != c.cols || len(h.Tensors) != 1 {
			t.Errorf("%s by %s: got %+v, want rectangles of %d by %d", c.matrix, c.scale, x.Scale, c.rows, c.cols)
		}
		if x.Size() != x.Len()+x.Scale.Len()*4 || h.Bytes() != x.Size() {
			t.Errorf("%s by %s: got %d bytes", c.matrix, c.scale, x.Size())
		}
	}
}

// gptq is a sound module of 16 inputs and 8 outputs in two groups, changed.
func gptq(change map[string]spec) []spec {
	var out []spec
	for _, s := range []spec{{"q.qweight", "I32", "[2,8]"}, {"q.qzeros", "I32", "[2,1]"}, {"q.scales", "F16", "[2,8]"}, {"q.g_idx", "I32", "[16]"}} {
		if c, ok := change[s.name]; ok {
			s = c
		}
		if s.name != "" {
			out = append(out, s)
		}
	}
	return out
}

// TestAttachBad wants scales and groups refused that do not fit their matrix.
func TestAttachBad(t *testing.T) {
	f8 := func(shape, scale string) []spec {
		return []spec{{"x.weight", "F8_E4M3", shape}, {"x.weight_scale_inv", "F32", scale}}
	}
	for name, c := range map[string]struct {
		specs  []spec
		config string
		want   string
	}{
		"scales too many":     {f8("[6,10]", "[7,1]"), "", "got shape [7 1] for a matrix of [6 10]"},
		"scales do not fit":   {f8("[6,10]", "[4,1]"), "", "got shape [4 1]"},
		"no scales":           {f8("[6,10]", "[0]"), "", "got shape [0]"},
		"scale of 3 dims":     {f8("[6,10]", "[1,1,1]"), "", "got shape [1 1 1]"},
		"scale of a vector":   {f8("[6]", "[]"), "", "one scale for a matrix"},
		"two kinds of scales": {append(f8("[6,10]", "[]"), spec{"x.weight_scale", "F32", "[]"}), "", "one scale"},
		"no zeros":            {gptq(map[string]spec{"q.qzeros": {}}), "", "no scales and qzeros"},
		"no group scales":     {gptq(map[string]spec{"q.scales": {}}), "", "no scales and qzeros"},
		"8 bits":              {gptq(map[string]spec{"q.qzeros": {"q.qzeros", "I32", "[2,2]"}}), "", "want 4 bits"},
		"I64 zeros":           {gptq(map[string]spec{"q.qzeros": {"q.qzeros", "I64", "[2,1]"}}), "", "want 4 bits each in I32"},
		"F32 values":          {gptq(map[string]spec{"q.qweight": {"q.qweight", "F32", "[2,8]"}}), "", "want 4 bits each in I32"},
		"a vector":            {gptq(map[string]spec{"q.qweight": {"q.qweight", "I32", "[16]"}}), "", "two dimensions"},
		"no inputs":           {gptq(map[string]spec{"q.qweight": {"q.qweight", "I32", "[0,8]"}}), "", "two dimensions"},
		"other outputs":       {gptq(map[string]spec{"q.qweight": {"q.qweight", "I32", "[2,5]"}}), "", "want [inputs/8 8]"},
		"index too short":     {gptq(map[string]spec{"q.g_idx": {"q.g_idx", "I32", "[15]"}}), "", "want [16] of I32"},
		"index of F32":        {gptq(map[string]spec{"q.g_idx": {"q.g_idx", "F32", "[16]"}}), "", "want [16] of I32"},
		"weight too":          {append(gptq(nil), spec{"q.weight", "F16", "[1]"}), "", "two tensors"},
		"3 bits":              {gptq(nil), `{"quantization_config":{"bits":3}}`, "bits 3, want 4"},
		"marlin":              {gptq(nil), `{"quantization_config":{"checkpoint_format":"marlin"}}`, "marlin"},
		"no JSON":             {gptq(nil), `{`, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{"model.safetensors": fileOf(t, c.specs...)}
			if c.config != "" {
				files["config.json"] = []byte(c.config)
			}
			_, err := ReadHeader(inMemory(files))
			wantError(t, err, c.want)
		})
	}
}

// TestGroups takes GPTQ's two formats and AWQ's apart.
func TestGroups(t *testing.T) {
	awq := []spec{{"q.qweight", "I32", "[16,1]"}, {"q.qzeros", "I32", "[2,1]"}, {"q.scales", "F16", "[2,8]"}}
	for name, c := range map[string]struct {
		specs  []spec
		config string
		typ    Type
		offset int32
	}{
		"gptq":    {gptq(nil), `{}`, GPTQ4, 1},
		"gptq v2": {gptq(nil), `{"quantization_config":{"bits":4,"checkpoint_format":"gptq_v2"}}`, GPTQ4, 0},
		"awq":     {awq, `{"quantization_config":{"quant_method":"awq"}}`, AWQ4, 0},
	} {
		h, err := ReadHeader(inMemory(map[string][]byte{"model.safetensors": fileOf(t, c.specs...), "config.json": []byte(c.config)}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x := h.Tensors["q.weight"]
		if x.Type != c.typ || x.Groups == nil || x.Groups.ZeroOffset != c.offset || x.Groups.Size != 8 || x.Len() != 128 || len(h.Tensors) != 1 || h.MainType() != c.typ {
			t.Errorf("%s: got %v %v %+v", name, x.Type, x.Shape, x.Groups)
		}
	}
}
