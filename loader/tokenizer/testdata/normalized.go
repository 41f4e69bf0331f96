//go:build ignore

// Prints the characters that Go's normalisation changes or reorders, a code
// point a line, for unicode.py.
package main

import (
	"fmt"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func main() {
	for r := range rune(unicode.MaxRune + 1) {
		p := norm.NFKD.PropertiesString(string(r))
		if (r < 0xD800 || r > 0xDFFF) && (p.CCC() != 0 || p.Decomposition() != nil) {
			fmt.Println(r)
		}
	}
}
