package cli

import (
	"fmt"
	"strconv"
	"strings"

	"samara/loader/tokenizer"
)

// tokenStats is what tokenize --stats reports for one file.
type tokenStats struct {
	File          string  `json:"file"`
	Bytes         int     `json:"bytes"`
	Words         int     `json:"words"` // separated by white space
	Tokens        int     `json:"tokens"`
	TokensPerWord float64 `json:"tokens_per_word"` // 0 where there is no word
	BytesPerToken float64 `json:"bytes_per_token"` // 0 where there is no token
}

// stats reports how many tokens the model needs for each file.
func (c *tokenizeCmd) stats(a *app, t tokenizer.Tokenizer) error {
	if len(c.Text) == 0 || c.TextFile != "" || c.Lines || len(c.Decode) > 0 {
		return usage("tokenize: --stats reads the files named after MODEL, and nothing else", "")
	}
	rows := [][]string{{"FILE", "BYTES", "WORDS", "TOKENS", "TOKENS/WORD", "BYTES/TOKEN"}}
	for _, path := range c.Text {
		s, err := c.fileStats(t, path)
		if err != nil {
			return err
		}
		if a.opts.JSON {
			if err := a.json(s); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{
			s.File, strconv.Itoa(s.Bytes), strconv.Itoa(s.Words), strconv.Itoa(s.Tokens),
			fmt.Sprintf("%.2f", s.TokensPerWord), fmt.Sprintf("%.2f", s.BytesPerToken),
		})
	}
	if a.opts.JSON {
		return nil
	}
	return a.table(rows)
}

func (c *tokenizeCmd) fileStats(t tokenizer.Tokenizer, path string) (tokenStats, error) {
	text, err := readBounded(path, tokenizer.MaxTextBytes)
	if err != nil {
		return tokenStats{}, fmt.Errorf("tokenize: %w", err)
	}
	out, err := t.Encode(string(text), tokenizer.EncodeOptions{AddSpecial: c.AddSpecial, ParseSpecial: c.Special})
	if err != nil {
		return tokenStats{}, fmt.Errorf("tokenize %s: %w", path, err)
	}
	s := tokenStats{File: path, Bytes: len(text), Words: len(strings.Fields(string(text))), Tokens: len(out)}
	if s.Words > 0 {
		s.TokensPerWord = float64(s.Tokens) / float64(s.Words)
	}
	if s.Tokens > 0 {
		s.BytesPerToken = float64(s.Bytes) / float64(s.Tokens)
	}
	return s, nil
}
