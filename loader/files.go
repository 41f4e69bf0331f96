package loader

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"samara/loader/weights"
)

// Bounds on the configuration files of a release, in bytes.
const (
	MaxConfigFile    = 4 << 20
	MaxTokenizerFile = 128 << 20
	// MaxReadmeHead is how much of README.md is searched for a licence.
	MaxReadmeHead = 64 << 10
)

// header reads the headers of src's weight files.
func (s Source) header() (*weights.Header, error) {
	files := make([]weights.File, len(s))
	for i, f := range s {
		files[i] = weights.File{Path: f.Path, Size: f.Size, R: f.File}
	}
	return weights.ReadHeader(files)
}

// read returns the whole content of one file, nil where src has none of that
// name.
func (s Source) read(name string, limit int64) ([]byte, error) {
	f, ok := s.find(name)
	if !ok {
		return nil, nil
	}
	if f.Size > limit {
		return nil, &FormatError{File: name, Object: "file", Reason: fmt.Sprintf("got %d bytes, want at most %d", f.Size, limit)}
	}
	b, err := io.ReadAll(io.NewSectionReader(f.File, 0, f.Size))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// tokenizerFiles are the files that a tokenizer may be in, the best first.
var tokenizerFiles = []string{
	"tokenizer.json", "tekken.json", "tokenizer.model",
	"tokenizer.model.v7", "tokenizer.model.v3", "tokenizer.model.v2", "tokenizer.model.v1",
	"vocab.txt",
}

// tokenizerFile finds the file that holds the tokenizer.
func (s Source) tokenizerFile() (File, bool) {
	for _, name := range tokenizerFiles {
		if f, ok := s.find(name); ok {
			return f, true
		}
	}
	return File{}, false
}

// readJSON decodes one file into v; an absent file leaves v as it is.
func (s Source) readJSON(name string, v any) error {
	b, err := s.read(name, MaxConfigFile)
	if err != nil || b == nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return &FormatError{File: name, Object: "file", Reason: err.Error()}
	}
	return nil
}

// license looks for "license: x" in the front matter of README.md.
func (s Source) license() string {
	f, ok := s.find("README.md")
	if !ok {
		return ""
	}
	head := make([]byte, min(f.Size, MaxReadmeHead))
	n, err := f.File.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	matter, found := bytes.CutPrefix(head[:n], []byte("---\n"))
	if !found {
		return ""
	}
	matter, _, _ = bytes.Cut(matter, []byte("\n---"))
	for line := range strings.Lines(string(matter)) {
		if v, ok := strings.CutPrefix(line, "license:"); ok {
			return strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return ""
}

// A generationConfig is what generation_config.json says.
type generationConfig struct {
	EOS     idList `json:"eos_token_id"`
	Sampled *bool  `json:"do_sample"`

	Temperature       *float32 `json:"temperature"`
	TopP              *float32 `json:"top_p"`
	MinP              *float32 `json:"min_p"`
	TopK              *int     `json:"top_k"`
	RepetitionPenalty *float32 `json:"repetition_penalty"`
}

// sampling is the model's own way to sample.
func (g *generationConfig) sampling() Sampling {
	s := Sampling{
		Temperature: g.Temperature, TopP: g.TopP, MinP: g.MinP, TopK: g.TopK,
		RepetitionPenalty: g.RepetitionPenalty,
	}
	if g.Sampled != nil && !*g.Sampled {
		s.Temperature = new(float32)
	}
	return s
}

// An idList is one id or a list of them in JSON.
type idList []int32

// UnmarshalJSON accepts a number, a list of numbers or null.
func (l *idList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]int32)(l))
	}
	var id *int32
	if err := json.Unmarshal(b, &id); err != nil || id == nil {
		return err
	}
	*l = idList{*id}
	return nil
}
