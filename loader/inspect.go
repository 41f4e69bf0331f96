package loader

import (
	"encoding/json"
	"fmt"
	"strings"

	"samara/loader/arch"
	"samara/loader/tokenizer"
	"samara/loader/weights"
)

// Inspect reads the headers of src, bounded, and maps nothing. It describes
// models that Open refuses too: what their files do not say stays empty. src
// stays open.
func Inspect(src Source) (ModelInfo, error) {
	h, err := src.header()
	if err != nil {
		return ModelInfo{}, err
	}
	return describe(src, h), nil
}

// describe says what a release is, as far as its files tell. What is wrong with
// a configuration file, Open says; here such a file only tells nothing.
func describe(src Source, h *weights.Header) ModelInfo {
	info := ModelInfo{
		Format:       h.Format,
		Layout:       h.Layout,
		Parameters:   h.Parameters(),
		Quantization: h.MainType().String(),
		WeightBytes:  h.Bytes(),
	}
	if h.Format == "gguf" {
		describeGGUF(&info, h)
	} else {
		describeHub(&info, src, h)
	}
	if cfg, err := config(src, h); err == nil {
		info.CacheBytesPerToken, info.WindowBytes = cfg.CacheBytesPerToken(), cfg.WindowBytes()
		info.ContextLength, info.VocabSize = cfg.Context, cfg.Vocab
	}
	return info
}

// describeGGUF fills info from the metadata.
func describeGGUF(info *ModelInfo, h *weights.Header) {
	text := func(key string) string {
		s, _ := h.Metadata[key].(string)
		return s
	}
	info.Architecture = text("general.architecture")
	info.Name = text("general.name")
	info.License = text("general.license")
	info.HasTemplate = text("tokenizer.chat_template") != ""
	switch kind := text("tokenizer.ggml.model"); kind {
	case "gpt2":
		info.Tokenizer = "bpe"
	case "llama":
		info.Tokenizer = "spm"
	default:
		info.Tokenizer = kind
	}
	if n, ok := h.Metadata[info.Architecture+".context_length"].(uint32); ok {
		info.ContextLength = int(n)
	}
	if tokens, ok := h.Metadata["tokenizer.ggml.tokens"].([]string); ok {
		info.VocabSize = len(tokens)
	}
}

// describeHub fills info from the configuration files.
func describeHub(info *ModelInfo, src Source, h *weights.Header) {
	var c struct {
		ModelType string `json:"model_type"`
		Name      string `json:"_name_or_path"`
		Context   int    `json:"max_position_embeddings"`
		Vocab     int    `json:"vocab_size"`
	}
	if b, err := hubConfig(src, h); err == nil {
		_ = json.Unmarshal(b, &c)
	}
	info.Architecture, info.Name = c.ModelType, c.Name
	info.ContextLength, info.VocabSize = c.Context, c.Vocab
	info.License = src.license()
	switch f, _ := src.tokenizerFile(); f.Path {
	case "":
	case "tokenizer.json":
		info.Tokenizer = "json"
	case "tekken.json":
		info.Tokenizer = "tekken"
	case "vocab.txt":
		info.Tokenizer = "wordpiece"
	default:
		info.Tokenizer = "spm"
		head := make([]byte, 64)
		if n, _ := f.File.ReadAt(head, 0); tokenizer.IsRanks(head[:n]) {
			info.Tokenizer = "bpe"
		}
	}
	template, err := hubTemplate(src)
	info.HasTemplate = err == nil && template != ""
}

// hubTemplate is the source of the chat template, "" where there is none:
// chat_template.jinja, or the field of tokenizer_config.json, where it may be
// one of several by name.
func hubTemplate(src Source) (string, error) {
	b, err := src.read("chat_template.jinja", MaxConfigFile)
	if err != nil || b != nil {
		return string(b), err
	}
	var c struct {
		Template json.RawMessage `json:"chat_template"`
	}
	if err := src.readJSON("tokenizer_config.json", &c); err != nil || c.Template == nil {
		return "", err
	}
	if strings.HasPrefix(string(c.Template), "[") {
		var list []struct{ Name, Template string }
		if err := json.Unmarshal(c.Template, &list); err != nil {
			return "", &FormatError{File: "tokenizer_config.json", Object: "chat_template", Reason: err.Error()}
		}
		for _, t := range list {
			if t.Name == "default" {
				return t.Template, nil
			}
		}
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(c.Template, &s); err != nil {
		return "", &FormatError{File: "tokenizer_config.json", Object: "chat_template", Reason: err.Error()}
	}
	if s == nil {
		return "", nil
	}
	return *s, nil
}

// config is the shape of the model, or why it cannot be run.
func config(src Source, h *weights.Header) (arch.Config, error) {
	if h.Format == "gguf" {
		return arch.FromGGUF(h)
	}
	b, err := hubConfig(src, h)
	if err != nil {
		return arch.Config{}, err
	}
	return arch.FromHub(b)
}

// hubConfig is config.json, or what it would be for the consolidated layout.
func hubConfig(src Source, h *weights.Header) ([]byte, error) {
	name := "config.json"
	if h.Layout == "consolidated" {
		name = paramsFile
	}
	b, err := src.read(name, MaxConfigFile)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return nil, fmt.Errorf("got no %s beside the weights, want one", name)
	case name == paramsFile:
		return paramsConfig(b, h)
	}
	return b, nil
}
