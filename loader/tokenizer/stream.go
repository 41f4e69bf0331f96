package tokenizer

// A Stream turns ids into text as they arrive and never splits a character.
// It is not safe for concurrent use.
type Stream struct {
	t       Tokenizer
	leading leading // what to trim from the first token still
	pending []byte  // bytes that are not text yet
}

// leadingSpace is what a Tokenizer of this package knows about the first token.
type leadingSpace interface{ leadingMode() leading }

// NewStream starts a text of its own: what Push and Flush return concatenates
// to what Decode returns, so a SentencePiece model's first space is dropped.
func NewStream(t Tokenizer) *Stream {
	s := &Stream{t: t}
	if l, ok := t.(leadingSpace); ok {
		s.leading = l.leadingMode()
	}
	return s
}

// NewContinuation starts a stream that goes on where a prompt ended: a leading
// space is kept.
func NewContinuation(t Tokenizer) *Stream { return &Stream{t: t} }

// Push adds one token and returns the text that is complete with it, which may
// be empty. Control tokens add nothing.
func (s *Stream) Push(id int32) string {
	b := s.t.Bytes(id)
	if len(b) > 0 {
		b, s.leading = s.leading.trim(b, s.t.Token(id), s.t.IsControl(id))
	}
	s.pending = append(s.pending, b...)
	n := len(s.pending) - unfinished(s.pending)
	text := string(appendText(nil, s.pending[:n], perSubpart))
	s.pending = append(s.pending[:0], s.pending[n:]...)
	return text
}

// Flush returns what was held back, U+FFFD for an unfinished character. The
// next Push goes on with the text.
func (s *Stream) Flush() string {
	text := string(appendText(nil, s.pending, perSubpart))
	s.pending = s.pending[:0]
	return text
}
