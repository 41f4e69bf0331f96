package tokenizer

import "unicode/utf8"

// Byte-level vocabularies write each byte as one printable character: the
// printable Latin-1 bytes as themselves, the other 68 as U+0100 and up.

var (
	byteToRune [256]rune
	runeToByte [0x144]int16 // -1 for a character that is not of the alphabet
)

func init() {
	for i := range runeToByte {
		runeToByte[i] = -1
	}
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if !printable(b) {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = int16(b)
	}
}

func printable(b int) bool {
	return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE && b <= 0xFF
}

// byteLevelBytes returns the bytes that a byte-level token stands for; ok is
// false where a character is not of the alphabet.
func byteLevelBytes(token string) (raw []byte, ok bool) {
	raw = make([]byte, 0, len(token))
	for _, r := range token {
		if int(r) >= len(runeToByte) || runeToByte[r] < 0 {
			return nil, false
		}
		raw = append(raw, byte(runeToByte[r])) //nolint:gosec // a byte
	}
	return raw, true
}

// byteLevelName writes bytes in the byte-level alphabet.
func byteLevelName(raw []byte) string {
	out := make([]byte, 0, 2*len(raw))
	for _, b := range raw {
		out = utf8.AppendRune(out, byteToRune[b])
	}
	return string(out)
}

// byteFallback reads the name of a SentencePiece byte token, "<0x0A>".
func byteFallback(token string) (b byte, ok bool) {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	hi, ok1 := hexDigit(token[3])
	lo, ok2 := hexDigit(token[4])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
