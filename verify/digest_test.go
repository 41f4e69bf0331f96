package verify_test

import (
	"errors"
	"strings"
	"testing"

	"samara/verify"
)

func TestDigestRoundTrip(t *testing.T) {
	d := verify.Sum([]byte("samara"))
	for _, s := range []string{d.String(), d.Hex(), strings.ToUpper(d.Hex())} {
		got, err := verify.ParseDigest(s)
		if err != nil || got != d {
			t.Errorf("ParseDigest(%q) = %s, %v", s, got, err)
		}
	}
	var back verify.Digest
	text, err := d.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := back.UnmarshalText(text); err != nil || back != d {
		t.Errorf("got %s, %v", back, err)
	}
	if d.IsZero() || !(verify.Digest{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestParseDigestRefuses(t *testing.T) {
	h := strings.Repeat("ab", 32)
	for _, s := range []string{"", "blake3:", h[1:], h + "a", "sha256:" + h, "blake3:blake3:" + h, "x" + h[1:], "BLAKE3:" + h, " " + h[1:]} {
		_, err := verify.ParseDigest(s)
		var de *verify.DigestError
		if !errors.As(err, &de) || de.Code() != "invalid_request" {
			t.Errorf("ParseDigest(%q): got %v", s, err)
		}
	}
}
