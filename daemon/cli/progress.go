package cli

import (
	"github.com/schollz/progressbar/v3"
)

// A bar shows bytes done of bytes total on stderr, where that is a terminal;
// elsewhere it does nothing.
type bar struct {
	a     *app
	pb    *progressbar.ProgressBar
	stage string
	total int64
}

// progress returns a bar that has not been drawn yet.
func (a *app) progress() *bar { return &bar{a: a} }

// set draws done of total bytes; a new stage or total begins a new bar.
func (b *bar) set(stage string, done, total int64) { b.draw(stage, done, total, true) }

// count draws done of total things that are no bytes.
func (b *bar) count(stage string, done, total int64) { b.draw(stage, done, total, false) }

func (b *bar) draw(stage string, done, total int64, bytes bool) {
	if !b.a.errTTY || b.a.opts.JSON {
		return
	}
	if b.pb == nil || stage != b.stage || total != b.total {
		b.clear()
		limit := total
		if limit <= 0 {
			limit = -1 // unknown: a spinner
		}
		b.pb = progressbar.NewOptions64(limit,
			progressbar.OptionSetWriter(b.a.err),
			progressbar.OptionShowBytes(bytes),
			progressbar.OptionUseIECUnits(true),
			progressbar.OptionSetDescription(printable(stage)),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100e6),
			progressbar.OptionClearOnFinish(),
		)
		b.stage, b.total = stage, total
	}
	// Drawing fails only where stderr is gone, and then nobody looks.
	_ = b.pb.Set64(done)
}

// clear removes the bar from the terminal.
func (b *bar) clear() {
	if b.pb != nil {
		_ = b.pb.Clear()
		b.pb = nil
	}
}
