// Package arch holds the forward passes, one architecture per file. A file
// reads like the paper: a struct whose tags name the tensors, what it reads
// from the config, and the layer.
//
// Adding an architecture is one file, one row in the table below and one test
// against an oracle: docs/adding-an-architecture.md.
package arch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"samara/loader/kernels"
	"samara/loader/state"
	"samara/loader/weights"
)

// MaxBatch is the number of tokens that go through the layers together while a
// prompt is read. Each tile of weights is unpacked once for all of them.
const MaxBatch = 96

// A Model is the forward pass of one architecture over mapped weights. It is
// safe for use by several goroutines, each with its own State and Buffers.
type Model interface {
	// NewState returns an empty state for up to limit tokens.
	NewState(limit int) state.State
	// NewBuffers returns the memory of one forward pass.
	NewBuffers() Buffers
	// Forward appends up to MaxBatch ids, each below VocabSize and room for
	// them below the state's limit, and returns the logits after the last of
	// them, or after each where all is set: [1 or ids][vocab], valid until
	// buf's next use. Where it fails (ctx ended) s is as before. The caller
	// holds the weights.
	Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error)
}

// Buffers is the memory of one forward pass; each Model makes its own kind.
type Buffers any

// A family is what one file of this package knows about: models that are
// computed in the same way.
type family struct {
	name   string   // Config.Architecture
	models string   // for docs/models.md
	hub    []string // "architectures" or "model_type" in config.json
	gguf   []string // "general.architecture" in GGUF files, nil where it is not read from them
	// defaults are numbers that a config.json may leave out, where they are not
	// those of everybody.
	defaults map[string]any
	// fromHub and fromGGUF read what is special about a config; what all
	// configs have is read already.
	fromHub  func(k *keys, c *Config)
	fromGGUF func(k *keys, c *Config)
	// load makes the forward pass. The config was checked.
	load func(c Config, d *weights.Directory, p *kernels.Pool) (Model, error)
	// encoder makes it for a family that predicts no tokens; load is nil then.
	encoder func(c Config, d *weights.Directory, p *kernels.Pool) (Encoder, error)
}

// families is every architecture, one row per file.
var families = []*family{
	&llamaFamily, &mistralFamily, &ministral3Family, &mixtralFamily,
	&qwen2Family, &qwen3Family, &qwen3moeFamily,
	&smollm3Family, &phi3Family, &gemma2Family, &gemma3Family, &graniteFamily, &olmo2Family, &olmo3Family,
	&qwen35Family, &lfm2Family, &gptossFamily, &glm4moeFamily, &deepseek3Family,
	&bertFamily, &modernbertFamily,
}

// supported lists the names of an attribute of all families.
func supported(names func(f *family) []string) string {
	var all []string
	for _, f := range families {
		all = append(all, names(f)...)
	}
	return strings.Join(all, ", ")
}

// find is the family that an attribute names.
func find(name string, names func(f *family) []string) (*family, error) {
	i := slices.IndexFunc(families, func(f *family) bool { return slices.Contains(names(f), name) })
	if i < 0 {
		return nil, fmt.Errorf("got architecture %.40q, want one of %s", name, supported(names))
	}
	return families[i], nil
}

func familyName(f *family) []string { return []string{f.name} }
func hubNames(f *family) []string   { return f.hub }
func ggufNames(f *family) []string  { return f.gguf }

// Load makes the forward pass of a config's architecture over d. It fails
// where a tensor is missing, has another shape than the config says or a type
// that cannot be computed with, and where d holds a tensor that the
// architecture has no use for: ignoring it would compute another model. The
// caller holds d during the call.
func Load(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f, err := find(c.Architecture, familyName)
	if err != nil {
		return nil, err
	}
	if f.load == nil {
		return nil, fmt.Errorf("got architecture %s, which encodes texts and predicts no tokens", f.name)
	}
	return f.load(c, plainNames(d), p)
}

// prefixes are what the names of a decoder's tensors begin with where it is
// part of another model, or was saved without its output matrix; "model."
// takes their place. Encoders have none where they are alone.
var prefixes = []struct{ marker, prefix, with string }{
	{"embed_tokens.weight", "", "model."},
	{"language_model.model.embed_tokens.weight", "language_model.", ""},
	{"model.language_model.embed_tokens.weight", "model.language_model.", "model."},
	{"model.embeddings.tok_embeddings.weight", "model.", ""},
	{"bert.embeddings.word_embeddings.weight", "bert.", ""},
	{"roberta.embeddings.word_embeddings.weight", "roberta.", ""},
}

// plainNames is d with the names that a text model by itself has. What a model
// that also sees or hears has beside its text model is left out: those parts
// take no part in reading text.
func plainNames(d *weights.Directory) *weights.Directory {
	for _, p := range prefixes {
		if _, ok := d.Tensors[p.marker]; !ok || d.Format == "gguf" {
			continue
		}
		h := *d.Header
		h.Tensors = map[string]weights.Tensor{}
		for name, t := range d.Tensors {
			switch rest, ok := strings.CutPrefix(name, p.prefix); {
			case ok:
				h.Tensors[p.with+rest] = t
			case name == "lm_head.weight":
				h.Tensors[name] = t
			}
		}
		return &weights.Directory{Header: &h}
	}
	return d
}
