package verify

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/zeebo/blake3"
)

// DigestSize is the length of a Digest in bytes.
const DigestSize = 32

const digestPrefix = "blake3:"

// Digest is the BLAKE3-256 of a file's bytes, as b3sum prints it. It is
// comparable; the zero Digest names nothing.
type Digest [DigestSize]byte

// Sum returns the digest of b.
func Sum(b []byte) Digest {
	return blake3.Sum256(b)
}

// ParseDigest reads "blake3:" and 64 hexadecimal digits of either case, or the
// digits alone.
// It returns a *DigestError for anything else.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	digits := strings.TrimPrefix(s, digestPrefix)
	if len(digits) != hex.EncodedLen(DigestSize) {
		return d, &DigestError{Text: s, Cause: fmt.Sprintf("%d hexadecimal digits, want %d", len(digits), hex.EncodedLen(DigestSize))}
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil {
		return Digest{}, &DigestError{Text: s, Cause: "not hexadecimal"}
	}
	return d, nil
}

// String returns "blake3:" and 64 lower-case hexadecimal digits.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex returns 64 lower-case hexadecimal digits, as b3sum prints them.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d is the zero Digest, which names nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText returns the bytes of String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDigest reads.
func (d *Digest) UnmarshalText(b []byte) error {
	p, err := ParseDigest(string(b))
	if err != nil {
		return err
	}
	*d = p
	return nil
}
