package weights

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// paramsFile is the configuration of the consolidated layout.
const paramsFile = "params.json"

// consolidatedModules are the modules of a layer as Meta and Mistral name
// them, and their names on the Hub.
var consolidatedModules = map[string]string{
	"attention.wq": "self_attn.q_proj", "attention.wk": "self_attn.k_proj",
	"attention.wv": "self_attn.v_proj", "attention.wo": "self_attn.o_proj",
	"attention.q_norm": "self_attn.q_norm", "attention.k_norm": "self_attn.k_norm",
	"attention_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
	"feed_forward.w1": "mlp.gate_proj", "feed_forward.w2": "mlp.down_proj", "feed_forward.w3": "mlp.up_proj",
	"feed_forward.gate": "block_sparse_moe.gate", "block_sparse_moe.gate": "block_sparse_moe.gate",
}

// consolidatedTop are the tensors outside the layers.
var consolidatedTop = map[string]string{
	"tok_embeddings.weight": "model.embed_tokens.weight",
	"norm.weight":           "model.norm.weight",
	"output.weight":         "lm_head.weight",
}

var (
	consolidatedLayer  = regexp.MustCompile(`^layers\.([0-9]{1,4})\.(.+?)\.(weight|bias|qscale_weight|qscale_act)$`)
	consolidatedExpert = regexp.MustCompile(`^feed_forward\.experts\.([0-9]{1,4})\.(w[123])$`)
	consolidatedStack  = regexp.MustCompile(`^layers\.([0-9]{1,4})\.block_sparse_moe\.(w[123])$`)
	consolidatedShard  = regexp.MustCompile(`^consolidated(-[0-9]{5}-of-([0-9]{5})|\.[0-9]{2})?\.(safetensors|pth|pt)$`)
)

// consolidatedFiles lists the weight files of the consolidated layout, in
// order; none where files has no params.json.
func consolidatedFiles(byName map[string]File) ([]File, error) {
	if _, ok := byName[paramsFile]; !ok {
		return nil, nil
	}
	var out []File
	var first []string // match of the first file
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		m := consolidatedShard.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if first == nil {
			first = m
		}
		if m[2] != first[2] || m[3] != first[3] {
			return nil, &FormatError{File: name, Object: "release", Reason: fmt.Sprintf("got it beside %s, want files of one kind", out[0].Path)}
		}
		out = append(out, byName[name])
	}
	if len(out) == 0 {
		return nil, nil
	}
	if err := checkShardNames(out, first); err != nil {
		return nil, err
	}
	return out, nil
}

// checkShardNames wants every shard there, numbered without a gap: from 1 on in
// "-00001-of-00003", from 0 on in ".00".
func checkShardNames(files []File, first []string) error {
	if len(files) > MaxShards {
		return &FormatError{File: files[0].Path, Object: "release", Reason: fmt.Sprintf("got %d shards, want at most %d", len(files), MaxShards)}
	}
	if n, err := strconv.Atoi(first[2]); err == nil && n != len(files) {
		return &FormatError{File: files[0].Path, Object: "release", Reason: fmt.Sprintf("got %d shards, want %d", len(files), n)}
	}
	for i, f := range files {
		want := "consolidated." + first[3]
		switch {
		case first[2] != "":
			want = fmt.Sprintf("consolidated-%05d-of-%s.%s", i+1, first[2], first[3])
		case first[1] != "":
			want = fmt.Sprintf("consolidated.%02d.%s", i, first[3])
		}
		if f.Path != want {
			return &FormatError{File: f.Path, Object: "release", Reason: "got it where " + want + " should be: a shard is missing"}
		}
	}
	return nil
}

// readConsolidated reads the shards of the consolidated layout and gives their
// tensors the Hub's names.
func readConsolidated(files []File) (*Header, error) {
	h := &Header{Format: "safetensors", Layout: "consolidated", Interleaved: true, Tensors: map[string]Tensor{}, files: files}
	shards := make([]map[string]Tensor, len(files))
	for i, f := range files {
		one := &Header{Tensors: map[string]Tensor{}}
		if path.Ext(f.Path) == ".safetensors" {
			if err := one.readSafetensors(f, i); err != nil {
				return nil, err
			}
		} else {
			h.Format = "pth"
			if err := one.readTorch(f, i); err != nil {
				return nil, err
			}
		}
		shards[i] = one.Tensors
	}
	return h, h.join(shards)
}

// join adds the tensors of all shards. What only one of them has is whole
// there; what all have is split between them, or repeated where it is small.
func (h *Header) join(shards []map[string]Tensor) error {
	pieces := map[string][]Tensor{}
	for _, s := range shards {
		for name, t := range s {
			pieces[name] = append(pieces[name], t)
		}
	}
	dim := 0
	if norm := pieces["norm.weight"]; len(norm) > 0 && len(norm[0].Shape) == 1 {
		dim = norm[0].Shape[0]
	}
	for _, name := range slices.Sorted(maps.Keys(pieces)) {
		list := pieces[name]
		f := h.files[list[0].file]
		t := list[0]
		if len(list) > 1 {
			if len(list) != len(shards) {
				return tensorError(f, name, "got it in %d of %d shards, want it in one or in all", len(list), len(shards))
			}
			var err error
			if t, err = combine(f, name, list, dim); err != nil {
				return err
			}
		}
		if err := h.addConsolidated(f, name, t, pieces); err != nil {
			return err
		}
	}
	return nil
}

// combine makes one tensor of the pieces that model-parallel shards hold. Names
// say how they were cut; dim is the width of the residual stream.
func combine(f File, name string, list []Tensor, dim int) (Tensor, error) {
	whole := list[0]
	if len(whole.Shape) < 2 || strings.HasSuffix(name, ".gate.weight") {
		return whole, nil // every shard has all of it
	}
	byCols := strings.HasSuffix(name, ".wo.weight") || strings.HasSuffix(name, ".w2.weight") ||
		name == "tok_embeddings.weight" && whole.Shape[1] != dim
	rows, cols := 0, 0
	var out []Part
	for _, t := range list {
		if len(t.Shape) != 2 || t.Type != whole.Type || t.Parts != nil {
			return Tensor{}, tensorError(f, name, "got shape %v of %v in one shard and %v of %v in another", t.Shape, t.Type, whole.Shape, whole.Type)
		}
		p := Part{Row: rows, Col: cols, Rows: t.Shape[0], Cols: t.Shape[1], place: t.place}
		if byCols {
			p.Row = 0
			cols += p.Cols
		} else {
			p.Col = 0
			rows += p.Rows
		}
		if p.Rows != whole.Shape[0] && byCols || p.Cols != whole.Shape[1] && !byCols {
			return Tensor{}, tensorError(f, name, "got shape %v in one shard and %v in another", t.Shape, whole.Shape)
		}
		out = append(out, p)
	}
	if byCols {
		rows = whole.Shape[0]
	} else {
		cols = whole.Shape[1]
	}
	return inParts(whole.Type, out, rows, cols), nil
}

// inParts is a matrix that lies in the given parts.
func inParts(typ Type, list []Part, rows, cols int) Tensor {
	t := Tensor{Type: typ, Shape: []int{rows, cols}, Parts: list}
	for _, p := range list {
		t.size += p.size
	}
	return t
}

// addConsolidated records a tensor under the name that it has on the Hub.
func (h *Header) addConsolidated(f File, name string, t Tensor, all map[string][]Tensor) error {
	if name == "rope.freqs" {
		return nil // worked out from the configuration
	}
	if m := consolidatedStack.FindStringSubmatch(name); m != nil {
		gate := all["layers."+m[1]+".block_sparse_moe.gate.weight"]
		if len(gate) == 0 || len(gate[0].Shape) != 2 {
			return tensorError(f, name, "got no gate beside it, want one: it says how many experts there are")
		}
		return h.addExperts(f, t, gate[0].Shape[0], "model.layers."+m[1]+".block_sparse_moe.experts.", name, m[2])
	}
	t.Name = hubName(name)
	if strings.HasSuffix(t.Name, ".input_scale") {
		return nil // activations stay float32
	}
	return h.add(f, t)
}

// hubName is the Hub's name of a tensor of the consolidated layout. Names it
// does not know stay as they are: the architecture will refuse them.
func hubName(name string) string {
	if top, ok := consolidatedTop[name]; ok {
		return top
	}
	m := consolidatedLayer.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	module, ok := consolidatedModules[m[2]]
	if e := consolidatedExpert.FindStringSubmatch(m[2]); e != nil {
		module, ok = "block_sparse_moe.experts."+e[1]+"."+e[2], true
	}
	if !ok {
		return name
	}
	kind := m[3]
	switch kind {
	case "qscale_weight":
		kind = "weight_scale"
	case "qscale_act":
		kind = "input_scale"
	}
	return "model.layers." + m[1] + "." + module + "." + kind
}

// addExperts cuts a matrix that stacks the experts of a layer, [experts·ffn]
// rows, into one for each. The second of an expert's three is stored
// transposed.
func (h *Header) addExperts(f File, t Tensor, experts int, prefix, name, which string) error {
	if len(t.Shape) != 2 || t.Parts != nil || experts == 0 || t.Shape[0]%experts != 0 {
		return tensorError(f, name, "got shape %v, want rows for each of %d experts", t.Shape, experts)
	}
	rows, cols := t.Shape[0]/experts, t.Shape[1]
	size := t.size / int64(experts)
	for e := range experts {
		at := place{file: t.file, offset: t.offset + int64(e)*size, size: size}
		one := Tensor{Type: t.Type, Shape: []int{rows, cols}, place: at}
		if which == "w2" {
			one = inParts(t.Type, []Part{{Rows: cols, Cols: rows, Transposed: true, place: at}}, cols, rows)
		}
		one.Name = prefix + strconv.Itoa(e) + "." + which + ".weight"
		if err := h.add(f, one); err != nil {
			return err
		}
	}
	return nil
}
