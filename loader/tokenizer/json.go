package tokenizer

import "errors"

// FromJSON reads a Hub tokenizer.json and, where it is not empty, the
// tokenizer_config.json beside it.
func FromJSON(tokenizerJSON, tokenizerConfigJSON []byte) (Tokenizer, error) {
	return nil, errors.New("read tokenizer.json: not built")
}

// FromGGUF reads the tokenizer.ggml.* keys of a GGUF file's metadata. Arrays
// are typed slices ([]string, []float32, []int32).
func FromGGUF(md map[string]any) (Tokenizer, error) {
	return nil, errors.New("read tokenizer.ggml: not built")
}

// FromSentencePiece reads a SentencePiece tokenizer.model of type BPE.
func FromSentencePiece(model []byte) (Tokenizer, error) {
	return nil, errors.New("read tokenizer.model: not built")
}
