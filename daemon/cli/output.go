package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"samara/web/client"
)

// json writes one value on a line of its own.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write stdout: %w", err)
	}
	return nil
}

// say writes a line for a person (or a pipe) to stdout; with --json nothing.
func (a *app) say(format string, args ...any) {
	if !a.opts.JSON {
		fmt.Fprintln(a.out, printable(fmt.Sprintf(format, args...)))
	}
}

// blank writes an empty line for a person; with --json nothing.
func (a *app) blank() {
	if !a.opts.JSON {
		fmt.Fprintln(a.out)
	}
}

// note writes a line to stderr; with --json nothing.
func (a *app) note(format string, args ...any) {
	if !a.opts.JSON {
		fmt.Fprintln(a.err, printable(fmt.Sprintf(format, args...)))
	}
}

// table writes rows in aligned columns; the first row is the heading.
func (a *app) table(rows [][]string) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t ")); err != nil {
			return fmt.Errorf("write stdout: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write stdout: %w", err)
	}
	return nil
}

// pairs writes labelled values, one a line, leaving out empty ones.
func (a *app) pairs(pairs ...[2]string) error {
	var rows [][]string
	for _, p := range pairs {
		if p[1] != "" {
			rows = append(rows, []string{p[0], p[1]})
		}
	}
	return a.table(rows)
}

// size writes a number of bytes for a person: "1.2 GiB".
func size(n int64) string {
	if n < 0 {
		return "-" + humanize.IBytes(uint64(-n))
	}
	return humanize.IBytes(uint64(n))
}

// count writes a number of parameters for a person: "135M".
func count(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1e6:
		return trimZero(float64(n)/1e3) + "K"
	case n < 1e9:
		return trimZero(float64(n)/1e6) + "M"
	}
	return trimZero(float64(n)/1e9) + "B"
}

func trimZero(f float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0")
}

// short cuts a digest to what a person can compare: "blake3:9f1203ab4c5d".
// Every verb takes such a prefix where it takes a digest.
func short(digest string) string {
	const hexDigits = 12
	name, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) <= hexDigits {
		return digest
	}
	return name + ":" + hex[:hexDigits]
}

// took writes a duration for a person: "41 ms", "1.7 s", "2m5s".
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// seconds is a number of seconds as a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// plural writes a number with its noun: "1 file", "2 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// orDash fills an empty cell of a table.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// byteSize is a number of bytes, written with or without a unit.
type byteSize int64

// UnmarshalText reads "1000", "10MB" or "1.5GiB".
func (b *byteSize) UnmarshalText(text []byte) error {
	n, err := humanize.ParseBytes(string(text))
	if err != nil || n > 1<<62 {
		return fmt.Errorf("%q is no size such as 10MB or 1.5GiB", text)
	}
	*b = byteSize(n)
	return nil
}

// duration is a time span, written as "90s" or "5m".
type duration time.Duration

// UnmarshalText reads a span as time.ParseDuration does.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no time such as 90s or 5m", text)
	}
	*d = duration(v)
	return nil
}

// seconds is the span in whole seconds.
func (d duration) seconds() int64 { return int64(time.Duration(d) / time.Second) }

// readBounded reads a file of at most limit bytes. A file that is not there is
// an error with code not_found.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, client.Errorf("", client.CodeNotFound, "%w", err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllBounded(f, path, limit)
}

// readAllBounded reads r to its end; more than limit bytes are an error.
func readAllBounded(r io.Reader, name string, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(text)) > limit {
		return nil, usage(fmt.Sprintf("read %s: more than %s", name, size(limit)), "")
	}
	return text, nil
}
