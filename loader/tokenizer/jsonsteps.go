package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A jsonStep is one normalizer, pre-tokenizer, post-processor or decoder; each
// type uses some of the fields.
type jsonStep struct {
	Type           string                 `json:"type"`
	Normalizers    []*jsonStep            `json:"normalizers"`
	PreTokenizers  []*jsonStep            `json:"pretokenizers"`
	Processors     []*jsonStep            `json:"processors"`
	Decoders       []*jsonStep            `json:"decoders"`
	Pattern        *jsonPattern           `json:"pattern"`
	Content        string                 `json:"content"`
	Prepend        string                 `json:"prepend"`
	Prefix         string                 `json:"prefix"`
	Cleanup        bool                   `json:"cleanup"`
	CleanText      bool                   `json:"clean_text"`
	ChineseChars   bool                   `json:"handle_chinese_chars"`
	StripAccents   *bool                  `json:"strip_accents"`
	Lowercase      bool                   `json:"lowercase"`
	CharsMap       []byte                 `json:"precompiled_charsmap"`
	StripLeft      bool                   `json:"strip_left"`
	StripRight     bool                   `json:"strip_right"`
	Behavior       behavior               `json:"behavior"`
	Invert         bool                   `json:"invert"`
	Individual     bool                   `json:"individual_digits"`
	AddPrefixSpace *bool                  `json:"add_prefix_space"`
	UseRegex       *bool                  `json:"use_regex"`
	Replacement    string                 `json:"replacement"`
	PrependScheme  string                 `json:"prepend_scheme"`
	Split          *bool                  `json:"split"`
	Start          int                    `json:"start"`
	Stop           int                    `json:"stop"`
	Single         []jsonTemplateItem     `json:"single"`
	SpecialTokens  map[string]jsonSpecial `json:"special_tokens"`
	CLS            *jsonPair              `json:"cls"`
	SEP            *jsonPair              `json:"sep"`
}

type jsonPattern struct {
	String *string
	Regex  *string
}

type jsonTemplateItem struct {
	SpecialToken *struct{ ID string }
	Sequence     *struct{ ID string }
}

type jsonSpecial struct {
	IDs []int32 `json:"ids"`
}

// A jsonPair is ["token", id].
type jsonPair struct {
	ID int32
}

func (p *jsonPair) UnmarshalJSON(b []byte) error {
	var name string
	return json.Unmarshal(b, &[2]any{&name, &p.ID})
}

// flatten returns the steps of a possibly nested sequence in order.
func (s *jsonStep) flatten(what string, children func(*jsonStep) []*jsonStep) ([]*jsonStep, error) {
	var out []*jsonStep
	var walk func(s *jsonStep, depth int) error
	walk = func(s *jsonStep, depth int) error {
		if s == nil {
			return nil
		}
		if depth > MaxPipelineSteps || len(out) >= MaxPipelineSteps {
			return &FormatError{jsonFile, fmt.Sprintf("%s: want at most %d steps", what, MaxPipelineSteps)}
		}
		if s.Type != "Sequence" {
			out = append(out, s)
			return nil
		}
		for _, child := range children(s) {
			if err := walk(child, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(s, 0)
}

// unsupported names a step that Samara does not have.
func (s *jsonStep) unsupported(what string) error {
	return &UnsupportedError{jsonFile, fmt.Sprintf("%s %q", what, s.Type)}
}

// finder returns what finds the step's pattern.
func (s *jsonStep) finder() (finder, error) {
	switch {
	case s.Pattern == nil || s.Pattern.String == nil && s.Pattern.Regex == nil:
		return nil, &FormatError{jsonFile, s.Type + ": pattern is missing"}
	case s.Pattern.String != nil:
		return literal(*s.Pattern.String), nil
	}
	find, err := newFinder(*s.Pattern.Regex)
	if err != nil {
		return nil, &FormatError{jsonFile, s.Type + ": " + err.Error()}
	}
	return find, nil
}

func isSet(b *bool, absent bool) bool {
	if b == nil {
		return absent
	}
	return *b
}

func (f *jsonTokenizer) readNormalizer(p *pipeline) error {
	steps, err := f.Normalizer.flatten("normalizer", func(s *jsonStep) []*jsonStep { return s.Normalizers })
	if err != nil {
		return err
	}
	var list []normalizer
	for _, s := range steps {
		n, err := s.normalizer()
		if err != nil {
			return err
		}
		list = append(list, n)
	}
	p.normalize = chain(list)
	for _, t := range f.AddedTokens {
		if err := p.addAdded(addedToken{
			id: t.ID, content: t.Content, special: t.Special, normalized: t.Normalized,
			singleWord: t.SingleWord, lstrip: t.LStrip, rstrip: t.RStrip,
		}); err != nil {
			return &FormatError{jsonFile, err.Error()}
		}
	}
	return nil
}

// addAdded puts an added token into the sets that find it.
func (p *pipeline) addAdded(t addedToken) error {
	if !t.normalized {
		return errors.Join(p.early.add(t, t.content), p.strict.add(t, t.content))
	}
	if t.special {
		if err := p.strict.add(t, t.content); err != nil {
			return err
		}
	}
	text, err := p.normalize(t.content)
	if err != nil {
		return err
	}
	return p.late.add(t, text)
}

func (s *jsonStep) normalizer() (normalizer, error) {
	if n, ok := simpleNormalizers[s.Type]; ok {
		return n, nil
	}
	switch s.Type {
	case "Prepend":
		if len(s.Prepend) > MaxTokenBytes {
			return nil, &FormatError{jsonFile, fmt.Sprintf("Prepend: got %d bytes, want at most %d", len(s.Prepend), MaxTokenBytes)}
		}
		return prepend(s.Prepend), nil
	case "Strip":
		return strip(s.StripLeft, s.StripRight), nil
	case "Replace":
		find, err := s.finder()
		if err != nil {
			return nil, err
		}
		if len(s.Content) > MaxTokenBytes {
			return nil, &FormatError{jsonFile, fmt.Sprintf("Replace: got %d bytes, want at most %d", len(s.Content), MaxTokenBytes)}
		}
		return replace(find, s.Content), nil
	case "Precompiled":
		m, err := newCharsMap(s.CharsMap)
		if err != nil {
			return nil, &FormatError{jsonFile, "Precompiled: " + err.Error()}
		}
		return m.rewrite, nil
	case "BertNormalizer":
		n := bertNormalizer{clean: s.CleanText, chinese: s.ChineseChars, accents: isSet(s.StripAccents, s.Lowercase), lowercase: s.Lowercase}
		return n.normalize, nil
	}
	return nil, s.unsupported("normalizer")
}

// readPreTokenizer reads the splitters; a ByteLevel step makes the model a
// byte-level one.
func (f *jsonTokenizer) readPreTokenizer(p *pipeline) error {
	steps, err := f.PreTokenizer.flatten("pre_tokenizer", func(s *jsonStep) []*jsonStep { return s.PreTokenizers })
	if err != nil {
		return err
	}
	for _, s := range steps {
		if p.kind == "bpe" {
			return &UnsupportedError{jsonFile, fmt.Sprintf("pre_tokenizer %q after ByteLevel", s.Type)}
		}
		if s.Type == "ByteLevel" {
			p.kind = "bpe"
		}
		list, err := s.splitters()
		if err != nil {
			return err
		}
		p.splitters = append(p.splitters, list...)
	}
	return nil
}

func (s *jsonStep) splitters() ([]splitter, error) {
	switch s.Type {
	case "ByteLevel":
		var list []splitter
		if isSet(s.AddPrefixSpace, true) {
			list = append(list, prefixSpace{})
		}
		if isSet(s.UseRegex, true) {
			list = append(list, patterns{gpt2Pattern}.mustSplit()...)
		}
		return list, nil
	case "Split":
		split, err := s.splitter()
		return []splitter{split}, err
	case "Digits":
		most := 1
		if !s.Individual {
			most = MaxNormalizedBytes
		}
		return []splitter{scanner(numbers{characterClasses(), most}.scan)}, nil
	case "Punctuation":
		b := s.Behavior
		if b == "" {
			b = isolated
		}
		return []splitter{&patternSplit{find: runesWhere(punctuation), behavior: b}}, nil
	case "WhitespaceSplit":
		return []splitter{wordSplit{}}, nil
	case "BertPreTokenizer":
		return []splitter{wordSplit{punctuation: true}}, nil
	case "Metaspace":
		m, err := s.metaspace()
		return []splitter{m}, err
	}
	return nil, s.unsupported("pre_tokenizer")
}

// splitter returns what splits at the step's pattern.
func (s *jsonStep) splitter() (splitter, error) {
	if s.Pattern != nil && s.Pattern.Regex != nil {
		split, err := newSplit(*s.Pattern.Regex, s.Behavior, s.Invert)
		if err != nil {
			return nil, &FormatError{jsonFile, s.Type + ": " + err.Error()}
		}
		return split, nil
	}
	find, err := s.finder()
	if err != nil {
		return nil, err
	}
	return &patternSplit{find: find, behavior: s.Behavior, invert: s.Invert}, nil
}

func (s *jsonStep) metaspace() (*metaspace, error) {
	m := &metaspace{mark: s.Replacement, scheme: s.metaspaceScheme()}
	if m.mark == "" {
		m.mark = spaceMark
	}
	if utf8.RuneCountInString(m.mark) != 1 {
		return nil, &FormatError{jsonFile, fmt.Sprintf("Metaspace: got replacement %.40q, want one character", m.mark)}
	}
	if isSet(s.Split, true) {
		m.cut = true
	}
	return m, nil
}

// metaspaceScheme reads when a mark is put first; older files say it by
// add_prefix_space.
func (s *jsonStep) metaspaceScheme() string {
	switch {
	case s.PrependScheme != "":
		return s.PrependScheme
	case isSet(s.AddPrefixSpace, true):
		return "always"
	}
	return "never"
}

// readDecoder computes each token's bytes in a text.
func (f *jsonTokenizer) readDecoder(p *pipeline) error {
	steps, err := f.Decoder.flatten("decoder", func(s *jsonStep) []*jsonStep { return s.Decoders })
	if err != nil {
		return err
	}
	var rewrite []normalizer
	byteLevel, fallback := false, false
	for i, s := range steps {
		switch {
		case s.Type == "WordPiece" && len(steps) == 1:
			p.spell(s.Prefix, s.Cleanup)
			return nil
		case s.Type == "ByteLevel":
			byteLevel = true
		case s.Type == "ByteFallback":
			fallback, p.broken = true, perRun
		case s.Type == "Fuse":
		case s.Type == "Strip" && s.Content == " " && s.Start == 1 && s.Stop == 0 && i > 0 && steps[i-1].Type == "Fuse":
			p.leading = dropSpace
		case s.Type == "Replace":
			find, err := s.finder()
			if err != nil {
				return err
			}
			rewrite = append(rewrite, replace(find, s.Content))
		case s.Type == "Metaspace":
			m, err := s.metaspace()
			if err != nil {
				return err
			}
			rewrite = append(rewrite, replace(literal(m.mark), " "))
			if m.scheme != "never" {
				p.leading = dropSpaces
			}
		default:
			return s.unsupported("decoder")
		}
	}
	rewriteAll := chain(rewrite)
	for id, name := range p.names {
		if name == "" || p.control[id] {
			continue
		}
		text, err := rewriteAll(name)
		if err != nil {
			return err
		}
		p.raw[id] = []byte(text)
		if b, ok := byteFallback(text); ok && fallback {
			p.raw[id], p.byteTok[id] = []byte{b}, true
		} else if raw, ok := byteLevelBytes(text); ok && byteLevel {
			p.raw[id] = raw
		}
	}
	return nil
}

// readPostProcessor reads what AddSpecial puts around a text.
func (f *jsonTokenizer) readPostProcessor(p *pipeline) error {
	steps, err := f.PostProcessor.flatten("post_processor", func(s *jsonStep) []*jsonStep { return s.Processors })
	if err != nil {
		return err
	}
	for _, s := range steps {
		switch s.Type {
		case "ByteLevel":
		case "TemplateProcessing":
			s.template(p)
		case "BertProcessing", "RobertaProcessing":
			if s.CLS == nil || s.SEP == nil {
				return &FormatError{jsonFile, s.Type + ": cls or sep is missing"}
			}
			p.prefix, p.suffix = []int32{s.CLS.ID}, []int32{s.SEP.ID}
		default:
			return s.unsupported("post_processor")
		}
	}
	for _, id := range append(p.prefix[:len(p.prefix):len(p.prefix)], p.suffix...) {
		if id < 0 || int(id) >= len(p.names) {
			return &FormatError{jsonFile, fmt.Sprintf("post_processor: got id %d, want less than %d", id, len(p.names))}
		}
	}
	return nil
}

func (s *jsonStep) template(p *pipeline) {
	p.prefix, p.suffix = nil, nil
	around := &p.prefix
	for _, item := range s.Single {
		if item.Sequence != nil {
			around = &p.suffix
		}
		if item.SpecialToken != nil {
			*around = append(*around, s.SpecialTokens[item.SpecialToken.ID].IDs...)
		}
	}
}

// spaceMark stands for a space in SentencePiece vocabularies.
const spaceMark = "\u2581"

func escapeSpaces(text string) string { return strings.ReplaceAll(text, " ", spaceMark) }
