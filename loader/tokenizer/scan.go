package tokenizer

import "unicode/utf8"

// A scanner is a known pattern, written by hand: it returns where the match
// that starts at at ends, at itself for none. It never looks further than one
// character past the match and the white space after it.
type scanner func(text string, at int) int

// scanners are the patterns that most models split by, as they write them.
// TestScanners compares each with the regular expression.
var scanners = map[string]func(*classTable) scanner{
	gpt2Pattern:       func(t *classTable) scanner { return t.gpt2 },
	llama3Pattern:     func(t *classTable) scanner { return words{t, letter, 3}.scan },
	qwen2Pattern:      func(t *classTable) scanner { return words{t, letter, 1}.scan },
	qwen35Pattern:     func(t *classTable) scanner { return words{t, letter | mark, 1}.scan },
	tekkenPattern:     func(t *classTable) scanner { return camel{t, 1, false}.scan },
	o200kPattern:      func(t *classTable) scanner { return camel{t, 3, true}.scan },
	deepseekV3Pattern: func(t *classTable) scanner { return t.deepseek },
	`\p{N}{1,3}`:      func(t *classTable) scanner { return numbers{t, 3}.scan },
	`\p{N}`:           func(t *classTable) scanner { return numbers{t, 1}.scan },
	`\p{N}+`:          func(t *classTable) scanner { return numbers{t, MaxNormalizedBytes}.scan },
	ideographPattern:  func(*classTable) scanner { return ideographs },
	` {2,}`:           func(*classTable) scanner { return spaces },
}

// find is the scanner as a finder.
func (scan scanner) find(text string, yield func(start, end int)) error {
	for at := 0; at < len(text); {
		end := scan(text, at)
		if end > at {
			yield(at, end)
			at = end
			continue
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return nil
}

// contracted returns the end of an English contraction at i, such as 's or
// 'LL, and i where there is none.
func contracted(text string, i int, anyCase bool) int {
	if i+1 >= len(text) || text[i] != '\'' {
		return i
	}
	a, b := text[i+1], byte(0)
	if i+2 < len(text) {
		b = text[i+2]
	}
	if anyCase {
		if a == 0xC5 && b == 0xBF {
			return i + 3 // ſ, the other small form of S
		}
		a, b = a|0x20, b|0x20
	}
	switch {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return i + 2
	case a == 'r' && b == 'e', a == 'v' && b == 'e', a == 'l' && b == 'l':
		return i + 3
	}
	return i
}

// blanks matches `\s+(?!\S)|\s+` at i: white space without its last character
// where a word follows.
func (t *classTable) blanks(text string, i int) int {
	end, last := i, i
	for end < len(text) {
		c, n := t.at(text, end)
		if c&space == 0 {
			if last > i {
				return last
			}
			break
		}
		last = end
		end += n
	}
	return end
}

// lines matches `\s*[\r\n]+|\s+(?!\S)|\s+` at i: white space up to its last line
// end, else as blanks.
func (t *classTable) lines(text string, i int) int {
	found := i
	for end := i; end < len(text); {
		c, n := t.at(text, end)
		if c&space == 0 {
			break
		}
		end += n
		if c&newline != 0 {
			found = end
		}
	}
	if found > i {
		return found
	}
	return t.blanks(text, i)
}

func (t *classTable) gpt2(text string, at int) int {
	if end := contracted(text, at, false); end > at {
		return end
	}
	i := at
	c, n := t.at(text, i)
	if text[at] == ' ' && at+1 < len(text) {
		i++
		c, n = t.at(text, i)
	}
	switch {
	case c&letter != 0:
		return t.run(text, i+n, letter)
	case c&number != 0:
		return t.run(text, i+n, number)
	case c&space == 0:
		return t.runWithout(text, i+n, space|letter|number)
	}
	return t.blanks(text, at)
}

// words is the family of Llama 3 and Qwen 2: words with the character before
// them, short numbers, symbols with the line ends after them.
type words struct {
	*classTable
	word   class // what a word consists of
	digits int   // at most in one piece
}

func (w words) scan(text string, at int) int {
	if end := contracted(text, at, true); end > at {
		return end
	}
	c, n := w.at(text, at)
	if c&w.word != 0 {
		return w.run(text, at+n, w.word)
	}
	if c&number != 0 {
		return numbers{w.classTable, w.digits}.scan(text, at)
	}
	if next := at + n; next < len(text) && c&newline == 0 {
		if c, n := w.at(text, next); c&w.word != 0 {
			return w.run(text, next+n, w.word)
		}
	}
	if end := w.symbols(text, at, space|number|w.word); end > at {
		return w.run(text, end, newline)
	}
	return w.lines(text, at)
}

// symbols matches ` ?[^…]+` at i, where no is what is left out, white space
// among it.
func (t *classTable) symbols(text string, i int, no class) int {
	start := i
	if text[i] == ' ' {
		start++
	}
	if end := t.runWithout(text, start, no); end > start {
		return end
	}
	return i
}

// camel is the family of Tekken and o200k: words end where camel case begins
// another.
type camel struct {
	*classTable
	digits       int // at most in one piece
	contractions bool
}

func (m camel) scan(text string, at int) int {
	if end := m.cased(text, at); end > at {
		if m.contractions {
			return contracted(text, end, true)
		}
		return end
	}
	c, _ := m.at(text, at)
	if c&number != 0 {
		return numbers{m.classTable, m.digits}.scan(text, at)
	}
	if end := m.symbols(text, at, space|letter|number); end > at {
		for end < len(text) && (text[end] == '\r' || text[end] == '\n' || text[end] == '/') {
			end++
		}
		return end
	}
	return m.lines(text, at)
}

// cased matches a word in camel case with the character before it, if any; at
// for none.
func (m camel) cased(text string, at int) int {
	c, n := m.at(text, at)
	after := at // behind the character that may stand before a word
	if c&(letter|number|newline) == 0 {
		after += n
	}
	if end := m.lower(text, after); end > after {
		return end
	}
	if end := m.lower(text, at); end > at {
		return end
	}
	if end := m.run(text, after, upperly); end > after {
		return m.run(text, end, lowerly)
	}
	return m.run(text, at, upperly)
}

// lower matches `U*L+` at i: upperly characters, then at least one lowerly.
// Many scripts have no case; their letters are both.
func (m camel) lower(text string, i int) int {
	end, both := i, i // both: behind the last character of the run that is lowerly too
	for end < len(text) {
		c, n := m.at(text, end)
		if c&upperly == 0 {
			if c&lowerly != 0 {
				return m.run(text, end+n, lowerly)
			}
			break
		}
		end += n
		if c&lowerly != 0 {
			both = end
		}
	}
	return both
}

func (t *classTable) deepseek(text string, at int) int {
	c, n := t.at(text, at)
	next := at + n
	switch {
	case c&symbols != 0 && text[at] < utf8.RuneSelf && next < len(text) && asciiLetter(text[next]):
		for next < len(text) && asciiLetter(text[next]) {
			next++
		}
		return next
	case c&(letter|mark) != 0:
		return t.run(text, next, letter|mark)
	case c&(newline|symbols) == 0 && next < len(text):
		if c, n := t.at(text, next); c&(letter|mark) != 0 {
			return t.run(text, next+n, letter|mark)
		}
	}
	start := at
	if text[at] == ' ' {
		start++
	}
	if end := t.run(text, start, symbols); end > start {
		return t.run(text, end, newline)
	}
	return t.lines(text, at)
}

func asciiLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// numbers matches `\p{N}{1,most}`.
type numbers struct {
	*classTable
	most int
}

func (m numbers) scan(text string, at int) int {
	end := at
	for range m.most {
		if end >= len(text) {
			break
		}
		c, n := m.at(text, end)
		if c&number == 0 {
			break
		}
		end += n
	}
	return end
}

// ideographs matches ideographPattern.
func ideographs(text string, at int) int {
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		if (r < 0x4E00 || r > 0x9FA5) && (r < 0x3040 || r > 0x30FF) {
			break
		}
		at += n
	}
	return at
}

// spaces matches ` {2,}`.
func spaces(text string, at int) int {
	end := at
	for end < len(text) && text[end] == ' ' {
		end++
	}
	if end < at+2 {
		return at
	}
	return end
}
