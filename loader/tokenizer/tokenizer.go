// Package tokenizer turns text into token ids and back, for the ways a
// model's vocabulary arrives: a Hub tokenizer.json, the metadata of a GGUF file,
// a SentencePiece tokenizer.model, a tekken.json and a BERT's vocab.txt.
//
//	t, err := tokenizer.FromJSON(tokenizerJSON, tokenizerConfigJSON)
//	ids, err := t.Encode("Hello", tokenizer.EncodeOptions{AddSpecial: true})
//	s := tokenizer.NewStream(t)
//	for _, id := range ids {
//		fmt.Print(s.Push(id)) // whole characters only
//	}
//	fmt.Print(s.Flush())
//
// A vocabulary is a stranger's file: every size in it is bounded by a constant
// of this package, a regular expression runs under MatchTimeout, and merging is
// O(n log n) in the length of the text.
//
// The package starts no goroutine. The regular expression engine keeps a clock
// for MatchTimeout in one of its own, which ends three seconds after its last
// use.
package tokenizer

// A Tokenizer maps text to ids and ids to text. It is safe for concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text. It fails where text is longer than
	// MaxTextBytes or a pattern of the model does not finish (PatternError).
	Encode(text string, o EncodeOptions) ([]int32, error)

	// EncodeParts encodes the parts as one text in which special tokens are
	// recognised inside trusted parts only: merges may cross a boundary,
	// special tokens may not. addSpecial adds BOS and EOS as the model asks.
	EncodeParts(parts []Part, addSpecial bool) ([]int32, error)

	// Decode returns the text of ids without control tokens; bytes that are
	// not UTF-8 become U+FFFD. Ids outside the vocabulary are left out.
	Decode(ids []int32) string

	// DecodeSpecial is Decode with control tokens written by name.
	DecodeSpecial(ids []int32) string

	// Bytes returns the bytes that id adds to a text: nil for a control token
	// and for an id outside the vocabulary (a SentencePiece unknown token adds
	// the mark that its model names). The caller must not change them.
	Bytes(id int32) []byte

	// Token returns the vocabulary's own name of id, "" outside it.
	Token(id int32) string

	// VocabSize is one more than the largest id.
	VocabSize() int

	// BOS returns the token that begins a text, where the model has one.
	BOS() (id int32, ok bool)

	// EOS returns the tokens that end generation, the model's own first.
	EOS() []int32

	// AddBOS says whether AddSpecial puts BOS first.
	AddBOS() bool

	// IsControl says whether id is a control token: never part of plain text.
	IsControl(id int32) bool

	// Find returns the id of the token with exactly this name.
	Find(token string) (id int32, ok bool)

	// Kind names the algorithm: "bpe" (byte-level), "spm" (SentencePiece BPE),
	// "unigram" or "wordpiece".
	Kind() string
}

// EncodeOptions say what Encode does beyond plain text; zero does nothing.
type EncodeOptions struct {
	AddSpecial   bool // add BOS and EOS as the model asks
	ParseSpecial bool // the names of special tokens in the text become those tokens
}

// A Part is a stretch of text from one origin. A model's template is trusted,
// what a user wrote is not.
type Part struct {
	Text    string
	Trusted bool // special tokens in Text are recognised
}
