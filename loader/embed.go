package loader

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"samara/loader/arch"
	"samara/loader/tokenizer"
	"samara/loader/weights"
)

// An Embedder is a Model that turns texts into vectors, as its modules.json
// says. Every Model of this package is one; Embed of a model that was not made
// for it fails with an *UnsupportedError, and its ModelInfo has no
// EmbeddingWidth.
type Embedder interface {
	// Embed returns the vector of a text. A text longer than the model takes is
	// cut to its beginning.
	Embed(ctx context.Context, text string) (Embedding, error)
}

// An Embedding is the vector of one text.
type Embedding struct {
	Vector []float32 // [EmbeddingWidth]
	Tokens int       // tokens of the text that were read, special ones included
}

// An embedding is how a model makes one vector of those of its tokens.
type embedding struct {
	pool      func(dst, vectors []float32) // vectors is [tokens][len(dst)]
	normalize bool
	limit     int    // tokens that are read, special ones included
	prompt    string // before every text
}

// Embed implements Embedder.
func (m *model) Embed(ctx context.Context, text string) (e Embedding, err error) {
	if m.embedding == nil {
		return e, m.embeddingErr
	}
	ids, err := m.embeddingIDs(text)
	if err != nil {
		return e, err
	}
	release, err := m.dir.Acquire()
	if err != nil {
		return e, err
	}
	defer release()
	defer m.dir.CatchFault(weights.PanicOnFault(), &err)
	vectors, err := m.encoder.Encode(ctx, m.encoder.NewBuffers(), ids)
	if err != nil {
		return e, err
	}
	e = Embedding{Vector: make([]float32, len(vectors)/len(ids)), Tokens: len(ids)}
	m.embedding.pool(e.Vector, vectors)
	if m.embedding.normalize {
		normalize(e.Vector)
	}
	return e, nil
}

// embeddingIDs encodes a text with the model's special tokens, cut so that all
// of it, those included, is within the limit.
func (m *model) embeddingIDs(text string) ([]int32, error) {
	text = m.embedding.prompt + text
	ids, err := m.tok.Encode(text, tokenizer.EncodeOptions{})
	if err != nil {
		return nil, err
	}
	all, err := m.tok.Encode(text, tokenizer.EncodeOptions{AddSpecial: true})
	if err != nil {
		return nil, err
	}
	special := len(all) - len(ids)
	head := 0
	for head < special && !slices.Equal(all[head:head+len(ids)], ids) {
		head++
	}
	if cut := len(all) - max(m.embedding.limit, special); cut > 0 {
		end := head + len(ids)
		all = slices.Delete(all, end-cut, end)
	}
	if len(all) == 0 {
		return nil, &RequestError{Reason: "got a text of no tokens, want at least one"}
	}
	for _, id := range all {
		if int(id) >= m.info.VocabSize {
			return nil, &UnsupportedError{Object: "model", Reason: fmt.Sprintf("its tokenizer gives token %d, want less than %d", id, m.info.VocabSize)}
		}
	}
	return all, nil
}

// openEmbedding reads how the model makes embeddings. A model without
// modules.json makes none, but for an encoder, which takes the mean.
func (m *model) openEmbedding(cfg arch.Config) error {
	b, err := m.files.read(modulesFile, MaxConfigFile)
	switch {
	case err != nil:
		return err
	case b != nil:
		m.embedding, m.embeddingErr = readEmbedding(m.files, m.limit)
	case arch.IsEncoder(cfg):
		m.embedding = &embedding{pool: pooling["mean"], limit: m.limit}
	default:
		m.embeddingErr = &UnsupportedError{Object: "model", Reason: "it was not made for embeddings: got no " + modulesFile}
	}
	if m.embedding != nil {
		m.info.EmbeddingWidth = cfg.Dim
	}
	return nil
}

const modulesFile = "modules.json"

// readEmbedding reads modules.json, what it names, and the limits and prompts
// beside it. It fails where that asks for a step that is not implemented.
func readEmbedding(src Source, limit int) (*embedding, error) {
	var modules []struct {
		Kind string `json:"type"`
		Path string `json:"path"`
	}
	if err := src.readJSON(modulesFile, &modules); err != nil {
		return nil, err
	}
	e := &embedding{limit: limit}
	for i, module := range modules {
		kind := module.Kind[strings.LastIndexByte(module.Kind, '.')+1:]
		switch {
		case kind == "Transformer" && i == 0 && module.Path == "":
		case kind == "Pooling" && i == 1:
			if err := e.readPooling(src, module.Path+"/config.json"); err != nil {
				return nil, err
			}
		case kind == "Normalize" && i == 2:
			e.normalize = true
		default:
			return nil, &UnsupportedError{Object: modulesFile, Reason: fmt.Sprintf("got a %.40q as step %d, want Transformer, Pooling and perhaps Normalize", kind, i)}
		}
	}
	if e.pool == nil {
		return nil, &UnsupportedError{Object: modulesFile, Reason: fmt.Sprintf("got %d steps and no pooling, want one", len(modules))}
	}
	if err := e.readLimits(src); err != nil {
		return nil, err
	}
	return e, nil
}

// pooling is the ways to make one vector of many, by the names that
// sentence-transformers gives them.
var pooling = map[string]func(dst, vectors []float32){
	"cls":       func(dst, vectors []float32) { copy(dst, vectors) },
	"lasttoken": func(dst, vectors []float32) { copy(dst, vectors[len(vectors)-len(dst):]) },
	"mean": func(dst, vectors []float32) {
		weighted(dst, vectors, func(int) float64 { return 1 }, func(sum float64) float64 { return sum })
	},
	"mean_sqrt_len_tokens": func(dst, vectors []float32) {
		weighted(dst, vectors, func(int) float64 { return 1 }, math.Sqrt)
	},
	"weightedmean": func(dst, vectors []float32) {
		weighted(dst, vectors, func(i int) float64 { return float64(i + 1) }, func(sum float64) float64 { return sum })
	},
	"max": func(dst, vectors []float32) {
		copy(dst, vectors)
		for i, v := range vectors {
			dst[i%len(dst)] = max(dst[i%len(dst)], v)
		}
	},
}

// poolingFlags is how older releases name a way to pool.
var poolingFlags = map[string]string{ // #nosec G101 -- no secrets: keys of a config
	"pooling_mode_cls_token": "cls", "pooling_mode_mean_tokens": "mean", "pooling_mode_max_tokens": "max",
	"pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens": "weightedmean",
	"pooling_mode_lasttoken": "lasttoken",
}

// weighted computes Σ weight·vector / divisor(Σ weight).
func weighted(dst, vectors []float32, weight func(i int) float64, divisor func(sum float64) float64) {
	sums := make([]float64, len(dst))
	var total float64
	for i := 0; i < len(vectors)/len(dst); i++ {
		w := weight(i)
		total += w
		for j := range dst {
			sums[j] += w * float64(vectors[i*len(dst)+j])
		}
	}
	for j := range dst {
		dst[j] = float32(sums[j] / divisor(total))
	}
}

// normalize makes v as long as 1.
func normalize(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	const least = 1e-12 // what sentence-transformers divides by at least
	scale := 1 / max(math.Sqrt(sum), least)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
}

// readPooling reads the config of the pooling step: pooling_mode, or a flag for
// each mode.
func (e *embedding) readPooling(src Source, name string) error {
	config := map[string]any{}
	if err := src.readJSON(name, &config); err != nil {
		return err
	}
	var modes []string
	switch mode := config["pooling_mode"].(type) {
	case string:
		modes = append(modes, mode)
	case nil:
		for key, name := range poolingFlags {
			if on, _ := config[key].(bool); on {
				modes = append(modes, name)
			}
		}
	}
	if len(modes) == 1 {
		e.pool = pooling[modes[0]]
	}
	if e.pool == nil {
		slices.Sort(modes)
		return &UnsupportedError{Object: name, Reason: fmt.Sprintf("got pooling %.80q, want one known way", modes)}
	}
	return nil
}

// readLimits reads how many tokens are read, and the prompt before every text.
func (e *embedding) readLimits(src Source) error {
	var limits struct {
		Tokens *int `json:"max_seq_length"`
		Lower  bool `json:"do_lower_case"`
	}
	if err := src.readJSON("sentence_bert_config.json", &limits); err != nil {
		return err
	}
	if limits.Lower {
		return &UnsupportedError{Object: "sentence_bert_config.json", Reason: "got do_lower_case true, want false"}
	}
	if limits.Tokens == nil { // what the tokenizer cuts to, often far too much to be an int
		var most struct {
			Tokens float64 `json:"model_max_length"`
		}
		if err := src.readJSON("tokenizer_config.json", &most); err != nil {
			return err
		}
		if most.Tokens >= 1 {
			e.limit = int(min(float64(e.limit), most.Tokens))
		}
	} else if n := *limits.Tokens; n < 1 {
		return &UnsupportedError{Object: "sentence_bert_config.json", Reason: "got max_seq_length " + strconv.Itoa(n) + ", want at least 1"}
	} else {
		e.limit = min(e.limit, n)
	}
	var prompts struct {
		Prompts map[string]string `json:"prompts"`
		Default string            `json:"default_prompt_name"`
	}
	if err := src.readJSON("config_sentence_transformers.json", &prompts); err != nil {
		return err
	}
	e.prompt = prompts.Prompts[prompts.Default]
	return nil
}
