package loader

import (
	"context"
	"errors"
	"fmt"

	"samara/loader/chat"
	"samara/loader/tokenizer"
	"samara/loader/weights"
)

// openText reads tokenizer, chat template, stop tokens and sampling defaults.
func (m *model) openText(h *weights.Header) error {
	tok, template, err := m.readText(h)
	if err != nil {
		return err
	}
	m.tok = tok
	m.info.Tokenizer = tok.Kind()
	m.setTemplate(template)
	var g generationConfig
	if err := m.files.readJSON("generation_config.json", &g); err != nil {
		return err
	}
	m.defaults = g.sampling()
	m.stops = map[int32]bool{}
	for _, id := range append(g.EOS, tok.EOS()...) {
		m.stops[id] = true
	}
	return nil
}

// setTemplate compiles the model's template, or takes that of its family where
// it has none.
func (m *model) setTemplate(source string) {
	if source != "" {
		m.template, m.templateErr = chat.Compile(source)
		m.info.TemplateFrom = "model"
		return
	}
	find := func(token string) bool {
		id, ok := m.tok.Find(token)
		return ok && m.tok.IsControl(id)
	}
	t, family, ok := chat.Known(find, m.info.Architecture, tokenizer.Version(m.tok))
	if !ok {
		m.templateErr = errors.New("it has no chat template, and its special tokens are of no family that is known")
		return
	}
	m.template, m.info.TemplateFrom = t, family
}

// readText reads the tokenizer and the source of the template, "" for none.
func (m *model) readText(h *weights.Header) (tokenizer.Tokenizer, string, error) {
	if h.Format == "gguf" {
		tok, err := tokenizer.FromGGUF(h.Metadata)
		if err != nil {
			return nil, "", err
		}
		template, _ := h.Metadata["tokenizer.chat_template"].(string)
		return tok, template, nil
	}
	template, err := hubTemplate(m.files)
	if err != nil {
		return nil, "", err
	}
	tok, err := m.hubTokenizer()
	return tok, template, err
}

// hubTokenizer reads the tokenizer's file.
func (m *model) hubTokenizer() (tokenizer.Tokenizer, error) {
	config, err := m.files.read("tokenizer_config.json", MaxConfigFile)
	if err != nil {
		return nil, err
	}
	f, ok := m.files.tokenizerFile()
	if !ok {
		return nil, &UnsupportedError{Object: "model", Reason: "got no tokenizer.json, tekken.json, tokenizer.model or vocab.txt, want one"}
	}
	b, err := m.files.read(f.Path, MaxTokenizerFile)
	if err != nil {
		return nil, err
	}
	return tokenizer.FromFile(b, config)
}

// promptIDs turns the prompt of a request, in whatever form, into tokens.
func (m *model) promptIDs(ctx context.Context, r *Request) ([]int32, error) {
	given := 0
	for _, is := range []bool{len(r.Messages) > 0, r.Prompt != "", len(r.PromptIDs) > 0} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, &RequestError{Reason: "got more than one of messages, prompt and prompt ids, want one"}
	}
	var ids []int32
	var err error
	switch {
	case len(r.Messages) > 0:
		ids, err = m.renderChat(ctx, r)
	case len(r.PromptIDs) > 0:
		ids = r.PromptIDs
	default:
		ids, err = m.encodeRaw(r.Prompt, r.ParseSpecial)
	}
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, &RequestError{Reason: "got an empty prompt, want at least one token"}
	}
	return ids, nil
}

// encodeRaw encodes a text to be continued: BOS in front where the model asks
// for it, and never EOS behind.
func (m *model) encodeRaw(text string, parseSpecial bool) ([]int32, error) {
	ids, err := m.tok.Encode(text, tokenizer.EncodeOptions{ParseSpecial: parseSpecial})
	if err != nil {
		return nil, err
	}
	if bos, ok := m.tok.BOS(); ok && m.tok.AddBOS() {
		ids = append([]int32{bos}, ids...)
	}
	return ids, nil
}

// renderChat renders the conversation. Only what the template itself wrote may
// become special tokens.
func (m *model) renderChat(ctx context.Context, r *Request) ([]int32, error) {
	if m.template == nil {
		return nil, &UnsupportedError{Object: "chat template", Reason: fmt.Sprintf("the model cannot chat: %v", m.templateErr)}
	}
	in := chat.Input{Messages: r.Messages, AddGenerationPrompt: true, Tools: r.Tools, Extra: r.Extra}
	if id, ok := m.tok.BOS(); ok {
		in.BOSToken = m.tok.Token(id)
	}
	if ids := m.tok.EOS(); len(ids) > 0 {
		in.EOSToken = m.tok.Token(ids[0])
	}
	segments, err := m.template.Render(ctx, in)
	if err != nil {
		return nil, err
	}
	parts := make([]tokenizer.Part, len(segments))
	for i, s := range segments {
		parts[i] = tokenizer.Part{Text: s.Text, Trusted: s.Trusted}
	}
	return m.tok.EncodeParts(parts, false)
}
