package magnets

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
)

// A Hash is a v1 infohash: the SHA-1 of an info dictionary's bytes.
type Hash [20]byte

// A HashV2 is a v2 infohash: the SHA-256 of an info dictionary's bytes.
type HashV2 [32]byte

// String returns 40 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is unset.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText returns what String returns.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText sets h from what ParseHash reads.
func (h *Hash) UnmarshalText(b []byte) error {
	v, err := ParseHash(string(b))
	if err == nil {
		*h = v
	}
	return err
}

// ParseHash reads a v1 infohash written as 40 hex or 32 base32 digits, in
// either case. The zero hash is refused: it names nothing.
func ParseHash(s string) (Hash, error) {
	var b []byte
	var err error
	switch len(s) {
	case 40:
		b, err = hex.DecodeString(s)
	case 32:
		b, err = base32.StdEncoding.DecodeString(strings.ToUpper(s))
	default:
		err = fmt.Errorf("got %d characters, want 40 hex or 32 base32", len(s))
	}
	if err != nil {
		return Hash{}, fmt.Errorf("infohash %.64q: %w", s, err)
	}
	h := Hash(b)
	if h.IsZero() {
		return Hash{}, fmt.Errorf("infohash %s: all zero", h)
	}
	return h, nil
}

// String returns 64 lower-case hex digits.
func (h HashV2) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h is unset.
func (h HashV2) IsZero() bool { return h == HashV2{} }

// Short returns the first 20 bytes, by which v2 swarms find each other.
func (h HashV2) Short() Hash { return Hash(h[:20]) }
