package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"samara/loader"
	"samara/loader/tokenizer"
)

// tokenizeCmd turns text into ids with a model's own tokenizer, and back.
type tokenizeCmd struct {
	Model string   `arg:"" help:"Reference, path, or a bare tokenizer.json, tekken.json, tokenizer.model or vocab.txt."`
	Text  []string `arg:"" optional:"" help:"Text; else --text-file, else stdin. With --stats, files."`

	TextFile   string  `help:"File whose exact bytes are the text." placeholder:"FILE"`
	AddSpecial bool    `help:"Add BOS and EOS as the model asks."`
	Special    bool    `help:"Take the names of special tokens in the text for those tokens; with --decode, write them."`
	Lines      bool    `help:"Read one JSON string a line and answer one object a line."`
	Stats      bool    `help:"Report tokens per word and bytes per token of each file."`
	Decode     []int32 `help:"Turn these ids into text instead." placeholder:"ID,…"`
}

// Help is the verb's page.
func (*tokenizeCmd) Help() string {
	return helpText(`
Prints the token ids of a text, with --json {"ids": […], "tokens": […]}. Nothing is added to the text unless asked for. MODEL is a reference, a model file or folder, or a tokenizer file.`,
		`
samara tokenize gpt2 "Hello, world"
samara tokenize ./smollm2.gguf --text-file story.txt --json
samara tokenize ./tokenizer.json --decode 15496,995
samara tokenize gpt2 --stats english.txt deutsch.txt`, 3)
}

// maxText bounds a text that is read whole.
const maxText = 1 << 30

// tokens is what tokenize reports for one text.
type tokens struct {
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

// Run answers.
func (c *tokenizeCmd) Run(a *app) error {
	t, err := a.openTokenizer(c.Model)
	if err != nil {
		return err
	}
	switch {
	case c.Stats:
		return c.stats(a, t)
	case len(c.Decode) > 0:
		return c.decode(a, t)
	case c.Lines:
		return c.lines(a, t)
	}
	text, err := c.text(a)
	if err != nil {
		return err
	}
	out, err := c.encode(t, text)
	if err != nil {
		return err
	}
	if a.opts.JSON {
		return a.json(out)
	}
	a.say("%s", joinIDs(out.IDs))
	return nil
}

// text is the argument, the file's bytes or stdin's.
func (c *tokenizeCmd) text(a *app) (string, error) {
	switch {
	case len(c.Text) > 1:
		return "", usage(fmt.Sprintf("tokenize: got %d texts, want one", len(c.Text)), "put a text with spaces in quotes")
	case len(c.Text) > 0 && c.TextFile != "":
		return "", usage("tokenize: got a text and --text-file, want one of them", "")
	case len(c.Text) > 0:
		return c.Text[0], nil
	case c.TextFile != "":
		text, err := readBounded(c.TextFile, maxText)
		return string(text), err
	}
	text, err := readAllBounded(a.in, "stdin", maxText)
	return string(text), err
}

func (c *tokenizeCmd) encode(t tokenizer.Tokenizer, text string) (tokens, error) {
	ids, err := t.Encode(text, tokenizer.EncodeOptions{AddSpecial: c.AddSpecial, ParseSpecial: c.Special})
	if err != nil {
		return tokens{}, err
	}
	out := tokens{IDs: ids, Tokens: make([]string, len(ids))}
	if ids == nil {
		out.IDs = []int32{}
	}
	for i, id := range ids {
		out.Tokens[i] = t.Token(id)
	}
	return out, nil
}

func (c *tokenizeCmd) decode(a *app, t tokenizer.Tokenizer) error {
	for _, id := range c.Decode {
		if id < 0 || int(id) >= t.VocabSize() {
			return usage(fmt.Sprintf("tokenize: decode: got token %d, want 0 to %d", id, t.VocabSize()-1), "")
		}
	}
	text := t.Decode(c.Decode)
	if c.Special {
		text = t.DecodeSpecial(c.Decode)
	}
	if a.opts.JSON {
		return a.json(map[string]string{"text": text})
	}
	_, err := io.WriteString(a.out, text)
	return err
}

// lines answers each JSON string of the input with one object.
func (c *tokenizeCmd) lines(a *app, t tokenizer.Tokenizer) error {
	in := a.in
	if c.TextFile != "" {
		f, err := os.Open(c.TextFile)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.TextFile, err)
		}
		defer f.Close()
		in = f
	}
	dec := json.NewDecoder(bufio.NewReader(in))
	for n := 1; ; n++ {
		var text string
		switch err := dec.Decode(&text); {
		case err == io.EOF:
			return nil
		case err != nil:
			return usage(fmt.Sprintf("tokenize: string %d of the input: %v", n, err), "--lines reads one JSON string a line")
		}
		out, err := c.encode(t, text)
		if err != nil {
			return fmt.Errorf("tokenize string %d: %w", n, err)
		}
		if err := a.json(out); err != nil {
			return err
		}
	}
}

// openTokenizer opens the tokenizer of MODEL: a bare file, the one in a folder,
// or a whole model's.
func (a *app) openTokenizer(model string) (tokenizer.Tokenizer, error) {
	if path, ok := tokenizerFile(model); ok && a.opts.Server == "" {
		text, err := readBounded(path, maxText)
		if err != nil {
			return nil, fmt.Errorf("open tokenizer: %w", err)
		}
		config, err := readBounded(filepath.Join(filepath.Dir(path), "tokenizer_config.json"), maxText)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open tokenizer: %w", err)
		}
		return tokenizer.FromFile(text, config)
	}
	m, err := a.openModel(model, loader.Options{})
	if err != nil {
		return nil, err
	}
	t := m.Tokenizer()
	return t, m.Close()
}

// tokenizerFile finds a bare tokenizer file behind a path.
func tokenizerFile(model string) (string, bool) {
	base := filepath.Base(model)
	if strings.HasSuffix(base, ".json") || strings.HasPrefix(base, "tokenizer.model") || base == "vocab.txt" {
		return model, true
	}
	if kindOf(model) != modelPath {
		return "", false
	}
	if strings.Contains(base, ".model") {
		return model, true
	}
	path := filepath.Join(model, "tokenizer.json")
	_, err := os.Stat(path)
	return path, err == nil
}

func joinIDs(ids []int32) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.Itoa(int(id))
	}
	return strings.Join(words, " ")
}
