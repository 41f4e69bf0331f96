package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkSpeed encodes the megabyte that testdata/speed.py has written and
// measured the tokenizers library on: "times" is how much less processor time
// this package takes, the garbage collector's included; the ids must be as many.
func BenchmarkSpeed(b *testing.B) {
	folder := os.Getenv("SAMARA_TOKENIZER_SPEED")
	if folder == "" {
		b.Skip("SAMARA_TOKENIZER_SPEED does not name the folder that testdata/speed.py writes")
	}
	raw, err := os.ReadFile(filepath.Join(folder, "speed.json"))
	if err != nil {
		b.Fatal(err)
	}
	var theirs map[string]struct {
		Speed float64 `json:"mb_per_s"`
		IDs   int
	}
	if err := json.Unmarshal(raw, &theirs); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "text.txt"))
	if err != nil {
		b.Fatal(err)
	}
	for name, their := range theirs {
		b.Run(name, func(b *testing.B) {
			file, err := os.ReadFile(filepath.Join(folder, name+".json"))
			if err != nil {
				b.Fatal(err)
			}
			tok, err := FromJSON(file, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			begun := processorTime(b)
			for b.Loop() {
				ids, err := tok.Encode(string(text), EncodeOptions{})
				if err != nil || len(ids) != their.IDs {
					b.Fatalf("got %d ids, %v, want %d", len(ids), err, their.IDs)
				}
			}
			speed := float64(len(text)) * float64(b.N) / 1e6 / (processorTime(b) - begun).Seconds()
			b.ReportMetric(speed/their.Speed, "times")
			b.ReportMetric(speed, "cpuMB/s")
		})
	}
}

// processorTime is what this process has used of all processors.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
