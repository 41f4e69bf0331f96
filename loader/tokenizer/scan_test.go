package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// adversarial are the characters and stretches at which the patterns differ.
var adversarial = []string{
	" ", "  ", "\n", "\r", "\r\n", "\t", "\v", "\f", "\u0085", "\u00a0", "\u2028", "\u3000", "\u200b", "\u001c", "\ufeff",
	"a", "B", "c", "É", "ß", "ſ", "K", "ǅ", "ʰ", "ª", "中", "あ", "ア", "ー", "゛", "龥", "龦", "한", "ا", "ก", "\u0301", "\u0903", "\u20e3", "𝔘", "𠮷",
	"1", "2", "٣", "Ⅷ", "½", "一", "②", "'", "'s", "'S", "'ſ", "'t", "'re", "'rE", "'VE", "'ll", "'lL", "'m", "'d", "'D", "'x", "’s",
	"/", ".", ",", "!", "_", "-", "$", "+", "^", "`", "|", "~", "€", "«", "。", "😀", "\u200d", "\x00", "\x01", "\x7f", "\u00ad", "\ue000", "\U000e0041",
	"\xff", "\xc3", "\xe4\xb8", "\ufffd",
}

func texts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(adversarial), rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }), rapid.StringN(0, 4, -1)), 0, 24).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func matches(t interface{ Fatal(args ...any) }, find finder, text string) (found [][2]int) {
	if err := find(text, func(start, end int) { found = append(found, [2]int{start, end}) }); err != nil {
		t.Fatal(err)
	}
	return found
}

// Each scanner finds what its regular expression finds.
func TestScanners(t *testing.T) {
	for source, scan := range scanners {
		t.Run("", func(t *testing.T) {
			re, err := compilePattern(source)
			if err != nil {
				t.Fatal(err)
			}
			by := scan(characterClasses()).find
			compare := func(t interface {
				Fatal(args ...any)
				Fatalf(format string, args ...any)
			}, text string,
			) {
				if got, want := matches(t, by, text), matches(t, re.find, text); !slices.Equal(got, want) {
					t.Fatalf("%s\non %q:\ngot  %v\nwant %v", source, text, got, want)
				}
			}
			// Every two of them beside each other, with something around.
			for _, a := range adversarial {
				for _, b := range adversarial {
					compare(t, a+b)
					compare(t, " "+a+b+"x")
				}
			}
			rapid.Check(t, func(t *rapid.T) { compare(t, texts().Draw(t, "text")) })
		})
	}
}

// FuzzScanners looks for a text on which a scanner and its regular expression
// differ.
func FuzzScanners(f *testing.F) {
	type pair struct{ scan, re finder }
	pairs := map[string]pair{}
	for source, scan := range scanners {
		re, err := compilePattern(source)
		if err != nil {
			f.Fatal(err)
		}
		pairs[source] = pair{scan(characterClasses()).find, re.find}
	}
	f.Add("It's ThisIs 12345\r\n \n x\u0301")
	f.Add(strings.Join(adversarial, ""))
	f.Fuzz(func(t *testing.T, text string) {
		for source, p := range pairs {
			if got, want := matches(t, p.scan, text), matches(t, p.re, text); !slices.Equal(got, want) {
				t.Fatalf("%s\non %q:\ngot  %v\nwant %v", source, text, got, want)
			}
		}
	})
}

// The table of classes agrees with package unicode on every character.
func TestClasses(t *testing.T) {
	table := characterClasses()
	if len(table.pages) > 255 {
		t.Errorf("got %d pages, want at most 255", len(table.pages))
	}
	for r := range rune(unicode.MaxRune + 1) {
		if r >= 0xD800 && r < 0xE000 {
			continue // no characters
		}
		want := class(0)
		for _, p := range []struct {
			class class
			is    bool
		}{
			{letter, unicode.IsLetter(r)},
			{number, unicode.IsNumber(r)},
			{space, unicode.IsSpace(r)},
			{newline, r == '\r' || r == '\n'},
			{mark, unicode.IsMark(r)},
			{symbols, unicode.IsPunct(r) || unicode.IsSymbol(r)},
			{upperly, unicode.In(r, unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M)},
			{lowerly, unicode.In(r, unicode.Ll, unicode.Lm, unicode.Lo, unicode.M)},
		} {
			if p.is {
				want |= p.class
			}
		}
		if got, _ := table.at(string(r), 0); got != want {
			t.Fatalf("%U: got %b, want %b", r, got, want)
		}
	}
}
