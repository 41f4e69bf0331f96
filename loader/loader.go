// Package loader turns the files of a model release into text: it maps the
// weights read-only, tokenises, runs the forward pass and samples.
//
//	src, err := loader.SourceFromPath("smollm2.gguf")
//	if err != nil { … }
//	m, err := loader.Open(ctx, src, loader.Options{Threads: 2}) // owns src from here on
//	if err != nil { … }
//	defer m.Close()
//	res, err := m.Generate(ctx, loader.Request{
//		Messages: []chat.Message{{Role: "user", Content: "Hello"}},
//	}, func(c loader.Chunk) error { fmt.Print(c.Text); return nil })
//
// Three things live for three different times: the shape of a model
// (loader/arch, fixed), its weights (loader/weights, mapped, shared and
// read-only until nobody uses them) and what one sequence remembers
// (loader/state, one per Session).
//
// The package knows files only as a Source of open files, no directory and no
// process; every byte in them is treated as a stranger's.
package loader

import (
	"context"

	"samara/loader/chat"
	"samara/loader/tokenizer"
)

// Options says how a model is opened. The zero value is usable.
type Options struct {
	// Context is the largest number of tokens a Session holds, prompt and
	// answer together. 0 means the model's own, at most DefaultContext; more
	// than the model's own is cut to it.
	Context int
	// Threads is the number of CPU threads that compute; 0 means all cores.
	Threads int
}

// DefaultContext caps the context, in tokens, of a model opened without an
// explicit Options.Context: cache memory grows with it.
const DefaultContext = 8192

// A Model is an opened model: mapped weights, tokenizer and chat template.
// Its methods may be called from several goroutines at once.
type Model interface {
	// Info says what was opened.
	Info() ModelInfo
	// Tokenizer is the model's own; it lives as long as the caller likes.
	Tokenizer() tokenizer.Tokenizer
	// Template is the model's chat template, nil where it has none or where it
	// does not compile (Generate with Messages then says why).
	Template() *chat.Template
	// NewSession opens an empty sequence. It fails with ErrClosed after Close.
	NewSession(SessionOptions) (Session, error)
	// Generate answers one request, calling emit with text as it comes. It
	// returns promptly, with ctx's error, when ctx ends; an error of emit ends
	// the generation and is returned as it is. The Result holds what was
	// produced so far in either case.
	Generate(ctx context.Context, r Request, emit func(Chunk) error) (Result, error)
	// Close waits until every Session is closed, then unmaps the weights and
	// ends the threads. NewSession and Generate fail as soon as it is called.
	Close() error
}

// SessionOptions shapes one Session. The zero value is usable.
type SessionOptions struct {
	// Context limits this sequence, in tokens; 0 or more than the model's
	// limit means the model's limit.
	Context int
}

// Want says which positions Session.Eval computes logits for.
type Want int

const (
	// Last asks for the logits after the last id: [vocab].
	Last Want = iota
	// All asks for the logits after every id: [ids][vocab], row-major.
	All
)

// A Session is one sequence of tokens and what the model remembers of it. It
// holds a read lock on the weights until Close. It is not safe for use by
// several goroutines at once.
type Session interface {
	// Eval appends ids to the sequence and returns logits as float32 (see
	// Want). The slice is valid until the next call. The sequence is unchanged
	// when an error is returned: ctx ended, the context is full (*ContextError),
	// an id is out of range, or the file was cut short under the mapping.
	Eval(ctx context.Context, ids []int32, want Want) ([]float32, error)
	// Len is the number of tokens in the sequence.
	Len() int
	// Limit is the number of tokens the sequence can hold.
	Limit() int
	// Close frees the memory of the sequence and gives the weights back.
	// Calling it twice is allowed.
	Close() error
}

// ModelInfo describes a model as its files do, in plain values.
type ModelInfo struct {
	Format        string // "gguf" or "safetensors"
	Layout        string // "gguf" or "hub"
	Architecture  string // "llama", or whatever name the files give
	Name          string // the author's name for it, "" where none is given
	Parameters    int64  // number of weights
	Quantization  string // type of most weights: "Q4_1", "BF16", …
	ContextLength int    // tokens the model was made for, 0 where unknown
	VocabSize     int    // rows of the embedding
	Tokenizer     string // "bpe", "spm", "unigram" or "wordpiece"; before Open also "json"; "" where there is none
	License       string // as the files say it, "" where they do not
	HasTemplate   bool   // a chat template is there

	// TemplateFrom says where the template that chats use came from: "model", or
	// the name of the family (chat.Known) of a model that ships none. It is ""
	// before Open and where the model cannot chat.
	TemplateFrom string

	// EmbeddingWidth is the width of the vectors that Embed makes; 0 before
	// Open, and where the model makes none.
	EmbeddingWidth int

	WeightBytes        int64 // bytes of all tensors in the files
	CacheBytesPerToken int64 // bytes a Session remembers per token, 0 where unknown
	WindowBytes        int64 // most bytes that it remembers beside them, in layers with a sliding window
}
