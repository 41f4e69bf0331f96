package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A normalizer rewrites text before the model's added tokens of the second
// kind and the pre-tokenizer see it.
type normalizer func(text string) (string, error)

// chain runs normalizers one after another.
func chain(steps []normalizer) normalizer {
	return func(text string) (string, error) {
		var err error
		for _, step := range steps {
			if text, err = step(text); err != nil {
				return "", err
			}
		}
		return text, nil
	}
}

// always makes a normalizer of a function that cannot fail.
func always(f func(string) string) normalizer {
	return func(text string) (string, error) { return f(text), nil }
}

// simpleNormalizers are those without settings, by their name in tokenizer.json.
var simpleNormalizers = map[string]normalizer{
	"NFC":          normalForm(norm.NFC),
	"NFD":          normalForm(norm.NFD),
	"NFKC":         normalForm(norm.NFKC),
	"NFKD":         normalForm(norm.NFKD),
	"Lowercase":    always(lowercase),
	"StripAccents": always(stripAccents),
	"Nmt":          always(nmt),
}

// normalForm normalises as the tokenizers library does: characters that are
// younger than its tables stay what and where they are.
func normalForm(f norm.Form) normalizer {
	return always(func(text string) string {
		if f.IsNormalString(text) && !hasLater(text) {
			return text
		}
		var b []byte
		for len(text) > 0 {
			n := strings.IndexFunc(text, isLater)
			if n < 0 {
				n = len(text)
			}
			b = append(b, f.String(text[:n])...) // AppendString would look back
			_, size := utf8.DecodeRuneInString(text[n:])
			b = append(b, text[n:n+size]...)
			text = text[n+size:]
		}
		return string(b)
	})
}

func isLater(r rune) bool { return r >= 0x300 && unicode.Is(laterTable, r) }

func hasLater(text string) bool { return strings.IndexFunc(text, isLater) >= 0 }

// lowercase lowers each character by itself.
func lowercase(text string) string {
	return strings.Map(func(r rune) rune {
		if small, ok := laterLower[r]; ok {
			return small
		}
		return unicode.ToLower(r)
	}, strings.ReplaceAll(text, "İ", "i\u0307"))
}

func stripAccents(text string) string { return without(combiningTable, text) }

// nmt drops control characters and turns odd spaces into plain ones.
func nmt(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x01 && r <= 0x08, r == 0x0B, r >= 0x0E && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
			return -1
		case r == 0x09, r == 0x0A, r == 0x0C, r == 0x0D, r == 0x1680, r >= 0x200B && r <= 0x200F,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			return ' '
		}
		return r
	}, text)
}

// prepend puts mark before a text that is not empty.
func prepend(mark string) normalizer {
	return always(func(text string) string {
		if text == "" {
			return text
		}
		return mark + text
	})
}

// replace puts with in place of every match.
func replace(find finder, with string) normalizer {
	return func(text string) (string, error) {
		var b strings.Builder
		done := 0
		err := find(text, func(start, end int) {
			if b.Len() <= MaxNormalizedBytes {
				b.WriteString(text[done:start])
				b.WriteString(with)
			}
			done = end
		})
		if err != nil || done == 0 && b.Len() == 0 {
			return text, err
		}
		b.WriteString(text[done:])
		return bounded(b.String())
	}
}

// bounded fails where normalisation has made a text too long.
func bounded(text string) (string, error) {
	if len(text) > MaxNormalizedBytes {
		return "", &SizeError{What: "normalise text", Got: len(text), Want: MaxNormalizedBytes}
	}
	return text, nil
}

// strip trims white space.
func strip(left, right bool) normalizer {
	return always(func(text string) string {
		if left {
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
		if right {
			text = strings.TrimRightFunc(text, unicode.IsSpace)
		}
		return text
	})
}
