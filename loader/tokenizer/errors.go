package tokenizer

import (
	"fmt"
	"time"
)

// Bounds on what a stranger's vocabulary and a caller's text may ask for.
const (
	MaxFileBytes       = 128 << 20 // a tokenizer.json, tokenizer.model or tekken.json
	MaxTextBytes       = 16 << 20  // one text to encode
	MaxNormalizedBytes = 64 << 20  // what normalisation may make of it
	MaxVocab           = 2 << 20   // ids
	MaxMerges          = 4 << 20   // merge rules
	MaxTokenBytes      = 64 << 10  // one token
	MaxAddedTokens     = 128 << 10 // tokens matched before the model runs
	MaxAddedTokenBytes = 1 << 10   // one of those
	MaxPatternBytes    = 16 << 10  // one regular expression
	MaxPatternStack    = 16 << 20  // slots of a regular expression's backtracking stack
	MaxPipelineSteps   = 64        // normalizers, pre-tokenizers or decoders of one model
	MaxCharsMapBytes   = 8 << 20   // a SentencePiece normalisation table
	MaxTrieNodes       = 16 << 20  // bytes of all tokens that a trie holds, shared starts counted once
	MaxUnigramBytes    = 512       // one token of a Unigram model that texts are cut into
	MaxWordChars       = 1000      // what a WordPiece model may call its longest word
)

// MatchTimeout bounds the search for one match of a model's pattern.
const MatchTimeout = 2 * time.Second

// matchBudgetPerMiB bounds all searches over one text together, beside one
// MatchTimeout.
const matchBudgetPerMiB = 4 * time.Second

// A FormatError says that a tokenizer file is not what its format asks for.
type FormatError struct {
	File   string // "tokenizer.json", "tokenizer.model", "tokenizer.ggml", …
	Reason string
}

func (e *FormatError) Error() string { return "read " + e.File + ": " + e.Reason }

// Code is the error's entry in the table of the HTTP API.
func (e *FormatError) Code() string { return "unsupported_model" }

// An UnsupportedError names a part of a tokenizer that Samara does not have.
type UnsupportedError struct {
	File string
	Part string // as the file calls it, such as `model "WordLevel"`
}

func (e *UnsupportedError) Error() string {
	return "read " + e.File + ": " + e.Part + " is not supported"
}

// Code is the error's entry in the table of the HTTP API.
func (e *UnsupportedError) Code() string { return "unsupported_model" }

// A PatternError says that a model's regular expression did not finish: it
// backtracks without end on this text.
type PatternError struct {
	Pattern string
	Bytes   int           // length of the text it ran on
	Limit   time.Duration // the limit it hit
	Cause   error         // from the regular expression engine, nil for Limit
}

func (e *PatternError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("tokenize %d bytes: pattern %.80q: %v", e.Bytes, e.Pattern, e.Cause)
	}
	return fmt.Sprintf("tokenize %d bytes: pattern %.80q did not finish within %v", e.Bytes, e.Pattern, e.Limit)
}

// Unwrap returns the engine's error, if any.
func (e *PatternError) Unwrap() error { return e.Cause }

// Code is the error's entry in the table of the HTTP API.
func (e *PatternError) Code() string { return "unsupported_model" }

// Hint says whose fault it is.
func (e *PatternError) Hint() string {
	return "the pattern comes with the model; use a release whose tokenizer is sound"
}

// A SizeError says that a text or file is longer than its bound.
type SizeError struct {
	What      string // "tokenize text", "read tokenizer.json"
	Got, Want int    // bytes; Want is the bound
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: got %d bytes, want at most %d", e.What, e.Got, e.Want)
}

// Code is the error's entry in the table of the HTTP API.
func (e *SizeError) Code() string { return "too_large" }
