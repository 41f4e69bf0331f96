package tokenizer

import "strings"

// readWordPiece reads a BERT vocabulary. In GGUF files a token that begins a
// word starts with the space mark and one inside a word stands bare; the names
// are set back to BERT's own.
func (g ggufReader) readWordPiece(p *pipeline) error {
	p.kind, p.addBOS = "wordpiece", true
	n := uncasedBERT
	n.lowercase = g.flag("normalizer.lowercase", true)
	p.normalize, p.splitters = n.normalize, []splitter{wordSplit{punctuation: true}}
	m := newWordPiece(continuingPrefix)
	clear(p.ids)
	for i, name := range p.names {
		word, starts := strings.CutPrefix(name, spaceMark)
		switch {
		case strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]"):
			p.ids[name] = int32(i)
			continue // [CLS], [unused7]: no text can spell it
		case starts:
			name = word
		default:
			name = continuingPrefix + name
		}
		p.names[i], p.ids[name] = name, int32(i)
		if err := m.tokens.add(name, int32(i)); err != nil {
			return &FormatError{ggufFile, err.Error()}
		}
	}
	m.finish()
	p.model = m
	if m.unk = g.idOr("unknown_token_id", "[UNK]", p); m.unk == none {
		return &FormatError{ggufFile, "the unknown token is missing"}
	}
	p.spell(continuingPrefix, true)
	return nil
}

// idOr returns the id under a key, else the one of a name, else none.
func (g ggufReader) idOr(key, name string, p *pipeline) int32 {
	if id := g.id(key, len(p.names)); id != none {
		return id
	}
	if id, ok := p.Find(name); ok {
		return id
	}
	return none
}

// bertSpecial returns what goes around a text.
func (g ggufReader) bertSpecial(p *pipeline) (first, last int32) {
	first = g.idOr("cls_token_id", "[CLS]", p)
	if first == none {
		first = g.id("bos_token_id", len(p.names))
	}
	last = g.idOr("seperator_token_id", "[SEP]", p) // spelt so in the format
	if last == none {
		last = g.id("eos_token_id", len(p.names))
	}
	return first, last
}
