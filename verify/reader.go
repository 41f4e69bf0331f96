package verify

import (
	"errors"
	"io"

	"github.com/zeebo/blake3"
)

// NewReader returns a reader of the size bytes that want names. It reads r to
// its end and returns io.EOF only after all of them were seen and are right;
// otherwise the read that finds out returns a *MismatchError, or a *SizeError
// where r is shorter or longer. Bytes that it returned before are not proven
// until io.EOF: keep them where nobody takes them for good.
func NewReader(r io.Reader, size int64, want Digest) io.Reader {
	return &reader{r: r, size: size, want: want, hash: blake3.New()}
}

type reader struct {
	r    io.Reader
	size int64
	want Digest
	hash *blake3.Hasher
	seen int64
	err  error // sticky
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.r.Read(p)
	_, _ = r.hash.Write(p[:n]) // a Hasher's Write never fails
	r.seen += int64(n)
	switch {
	case r.seen > r.size:
		r.err = &SizeError{Got: r.seen, Want: r.size}
		return 0, r.err
	case errors.Is(err, io.EOF):
		r.err = r.verdict()
	default:
		r.err = err
	}
	return n, r.err
}

// verdict is what the reader says at the end of its input.
func (r *reader) verdict() error {
	if r.seen != r.size {
		return &SizeError{Got: r.seen, Want: r.size}
	}
	if got := Digest(r.hash.Sum(nil)); got != r.want {
		return &MismatchError{Off: 0, Size: r.size, Got: got, Want: r.want}
	}
	return io.EOF
}
