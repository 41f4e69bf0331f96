package tokenizer

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
)

const ranksFile = "tokenizer.model"

// ranksLine begins a file of Meta's: a token in base64 and its rank.
var ranksLine = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2} [0-9]+\r?\n`)

// llama3Specials is the number of special tokens behind the ranked ones.
const llama3Specials = 256

// llama3Special are the first of them.
var llama3Special = []string{
	"<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
	"<|finetune_right_pad_id|>", "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>",
	"<|eom_id|>", "<|eot_id|>", "<|python_tag|>",
}

// FromRanks reads the tokenizer.model of Meta's Llama 3 releases: a line per
// token, in base64, with its rank. Special tokens are not in the file; they are
// those of Llama 3.1, which named some that Llama 3 had reserved.
//
// It fails with a FormatError or a SizeError.
func FromRanks(file []byte) (Tokenizer, error) {
	if len(file) > MaxFileBytes {
		return nil, &SizeError{What: "read " + ranksFile, Got: len(file), Want: MaxFileBytes}
	}
	tokens, err := readRanks(file)
	if err != nil {
		return nil, err
	}
	split, err := newSplit(llama3Pattern, isolated, false)
	if err != nil {
		return nil, &FormatError{ranksFile, err.Error()}
	}
	p := &pipeline{kind: "bpe", normalize: chain(nil), splitters: []splitter{split}}
	p.makeVocab(len(tokens) + llama3Specials)
	for i := range llama3Specials {
		// The reserved ones count on from those at 2 and 3.
		name := fmt.Sprintf("<|reserved_special_token_%d|>", i-len(llama3Special)+2)
		if i < len(llama3Special) {
			name = llama3Special[i]
		}
		id := int32(len(tokens) + i) //nolint:gosec // MaxVocab
		p.names[id], p.ids[name], p.control[id] = name, id, true
		if err := p.addAdded(addedToken{id: id, content: name, special: true}); err != nil {
			return nil, &FormatError{ranksFile, err.Error()}
		}
	}
	p.addRanked(0, tokens)
	p.bos = int32(len(tokens)) //nolint:gosec // MaxVocab
	p.setEOS(p.bos + 1)
	p.setBOS(true)
	p.addBOS = true
	return p, nil
}

// IsRanks tells by its first bytes whether a tokenizer.model is Meta's, and not
// SentencePiece's.
func IsRanks(head []byte) bool { return ranksLine.Match(head) }

// readRanks reads the tokens, which must come in the order of their ranks.
func readRanks(file []byte) ([][]byte, error) {
	if n := bytes.Count(file, []byte("\n")); n > MaxVocab-llama3Specials {
		return nil, &SizeError{What: "read " + ranksFile + ": tokens", Got: n, Want: MaxVocab - llama3Specials}
	}
	var tokens [][]byte
	seen := map[string]bool{}
	for line := range bytes.Lines(file) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			continue
		}
		text, number, _ := bytes.Cut(line, []byte(" "))
		token, err := base64.StdEncoding.DecodeString(string(text))
		rank, err2 := strconv.Atoi(string(number))
		if err != nil || err2 != nil || rank != len(tokens) || len(token) == 0 || len(token) > MaxTokenBytes || seen[string(token)] {
			return nil, &FormatError{ranksFile, fmt.Sprintf("token %d: got %.40q, want another token in base64 and its rank", len(tokens), line)}
		}
		seen[string(token)] = true
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// addRanked makes tokens, in the order of their ranks, the vocabulary from id
// first on, and the model that joins the lowest ranks first.
func (p *pipeline) addRanked(first int, tokens [][]byte) {
	m := newBPE(len(tokens))
	m.byteSymbols, m.whole = true, true
	ranks := make([]int32, len(p.names))
	for i, b := range tokens {
		id := int32(first + i) //nolint:gosec // MaxVocab
		name := byteLevelName(b)
		p.names[id], p.ids[name], p.raw[id] = name, id, b
		m.index[string(b)] = id
		ranks[id] = id
		if len(b) == 1 {
			m.byteIDs[b[0]] = id
		}
	}
	m.rules = wordRules{index: m.index, rank: ranks}
	p.model = m
}
