package tokenizer

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A generator makes texts such as tokenizers get wrong, the same ones every
// time: all scripts, emoji with joiners, combining marks, control characters,
// line ends, long runs, program text and pieces of real sentences.
type generator struct {
	*rand.Rand
	scripts [][]rune   // the characters of each script
	sayings [][]string // the words of real texts
}

func newGenerator(sentences []string) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // a fixed sequence is the point
	for _, name := range slices.Sorted(maps.Keys(unicode.Scripts)) {
		var all []rune
		eachRune(unicode.Scripts[name], func(r rune) {
			if len(all) < 2000 { // of Han, the most used
				all = append(all, r)
			}
		})
		g.scripts = append(g.scripts, all)
	}
	for _, s := range sentences {
		g.sayings = append(g.sayings, strings.SplitAfter(s, " "))
	}
	return g
}

var (
	common = []string{
		" ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\r", "    ", "'s", "'LL", "'ſ", "the", " The", " and", "http://", "...", "1234", " 12", "1,000.5",
		"<|im_end|>", "<s>", "</s>", "[INST]", "[CLS]", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2028", "é", "e\u0301", "ing", "ThisIs", "中文", "\u2581", "İ", "K",
		"fox", "word", "##ing", "Ġ", "ﬁ", "①", "ｱ", "…", "½", "don't", "I'VE", "ẞ", "ǅ", "x_y", "A.B.", "＄", "«", "»", "“", "”", "—",
	}
	code = []string{
		"func main() {\n\t", "}\n", "if (x != null) ", "return ", "for i in range(10):\n    ", "def __init__(self", "0x1F", "a[i] += 1;\n", "// ", "/* */", "#include <a.h>\n",
		"{\"k\": [1, 2]}", "\\n", "$x->y", "::", "&&", "||", "=>", "<div class=\"a\">", "</div>", "SELECT * FROM t", "`ls -la`", "\t\t\t", "        ", "%d\\t", "@x", "/usr/bin",
	}
	joined = []string{"👨‍👩‍👧‍👦", "👍🏽", "🇯🇵", "🇩🇪", "❤️‍🔥", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺️", "👩🏿‍🚀", "🤷🏻‍♂️", "1️⃣", "#️⃣", "\u200d", "\ufe0f"}
)

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

// part is one stretch of a text.
func (g *generator) part() string {
	var b strings.Builder
	switch g.IntN(12) {
	case 0, 1, 2:
		return g.pick(common)
	case 3:
		return g.pick(code)
	case 4:
		return g.pick(joined)
	case 5: // a letter with marks of any script
		b.WriteRune('a' + g.Int32N(26))
		for range 1 + g.IntN(3) {
			b.WriteRune(0x300 + g.Int32N(0x70))
		}
	case 6: // control characters
		for range 1 + g.IntN(3) {
			b.WriteRune(g.Int32N(0x20) + 0x80*g.Int32N(2))
		}
	case 7: // a run
		return strings.Repeat(g.pick(common), 1+g.IntN(20))
	case 8:
		words := g.sayings[g.IntN(len(g.sayings))]
		from := g.IntN(len(words))
		return strings.Join(words[from:min(len(words), from+1+g.IntN(5))], "")
	case 9: // ASCII
		for range 1 + g.IntN(8) {
			b.WriteRune(' ' + g.Int32N(95))
		}
	default:
		script := g.scripts[g.IntN(len(g.scripts))]
		for range 1 + g.IntN(6) {
			b.WriteRune(script[g.IntN(len(script))])
		}
	}
	return b.String()
}

// texts makes n texts of a few parts, and long runs of some.
func (g *generator) texts(n int) []string {
	list := make([]string, n)
	for i := range list {
		var b strings.Builder
		for range 1 + g.IntN(9) {
			b.WriteString(g.part())
		}
		list[i] = b.String()
		if i%500 == 0 {
			list[i] = strings.Repeat(g.part(), 100)
		}
	}
	return list
}

// generated are n texts, made of the committed ones among others.
func generated(t testing.TB, n int) []string {
	t.Helper()
	sentences, _ := readVectors(t)
	return newGenerator(slices.DeleteFunc(slices.Clone(sentences), func(s string) bool { return len(s) > 300 })).texts(n)
}
