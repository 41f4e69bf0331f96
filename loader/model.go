package loader

import (
	"context"
	"errors"
	"sync"

	"samara/loader/arch"
	"samara/loader/chat"
	"samara/loader/kernels"
	"samara/loader/tokenizer"
	"samara/loader/weights"
)

// Open maps a model and makes it ready to run. It owns src from here on, and
// closes it where it fails. It returns a *FormatError for a broken file and an
// *UnsupportedError for a model that this engine cannot run.
func Open(ctx context.Context, src Source, o Options) (Model, error) {
	m := &model{files: src}
	if err := m.open(ctx, o); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// model implements Model on the CPU.
type model struct {
	files Source
	info  ModelInfo
	limit int // tokens of a session

	dir  *weights.Directory
	pool *kernels.Pool
	net  arch.Model // nil where the model predicts no tokens

	encoder      arch.Encoder
	embedding    *embedding // nil where the model makes none
	embeddingErr error      // why

	tok         tokenizer.Tokenizer
	template    *chat.Template
	templateErr error // why there is no template
	stops       map[int32]bool
	defaults    Sampling

	once     sync.Once
	closeErr error
}

// open fills m; what it has filled when it fails, Close undoes.
func (m *model) open(ctx context.Context, o Options) error {
	h, err := m.files.header()
	if err != nil {
		return err
	}
	m.info = describe(m.files, h)
	if err := kernels.Check(h); err != nil {
		return unsupported(err)
	}
	cfg, err := config(m.files, h)
	if err != nil {
		return unsupported(err)
	}
	if err := m.openText(h); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.limit = contextLimit(cfg.Context, o.Context)
	if err := m.openEmbedding(cfg); err != nil {
		return err
	}
	if m.dir, err = weights.Map(h); err != nil {
		return err
	}
	m.pool = kernels.NewPool(o.Threads)
	return m.load(cfg)
}

// contextLimit is the tokens of a session, from what the model was made for (0
// where unknown) and what was asked for (0 for no wish).
func contextLimit(made, asked int) int {
	switch {
	case asked == 0 && made == 0:
		return DefaultContext
	case asked == 0:
		return min(made, DefaultContext)
	case made == 0:
		return asked
	}
	return min(made, asked)
}

// load binds the mapped tensors to the architecture.
func (m *model) load(cfg arch.Config) (err error) {
	release, err := m.dir.Acquire()
	if err != nil {
		return err
	}
	defer release()
	defer m.dir.CatchFault(weights.PanicOnFault(), &err)
	if arch.IsEncoder(cfg) {
		m.encoder, err = arch.LoadEncoder(cfg, m.dir, m.pool)
	} else if m.net, err = arch.Load(cfg, m.dir, m.pool); err == nil {
		m.encoder, _ = m.net.(arch.Encoder) // every decoder is one
	}
	if err != nil {
		return unsupported(err)
	}
	return nil
}

// unsupported turns a reason into an error about the model; a *FormatError
// stays what it is.
func unsupported(err error) error {
	var f *FormatError
	if errors.As(err, &f) {
		return err
	}
	return &UnsupportedError{Object: "model", Reason: err.Error()}
}

// predicts refuses a model that predicts no tokens.
func (m *model) predicts() error {
	if m.net == nil {
		return &UnsupportedError{Object: "model", Reason: "it makes embeddings and writes no text"}
	}
	return nil
}

// Info implements Model.
func (m *model) Info() ModelInfo { return m.info }

// Tokenizer implements Model.
func (m *model) Tokenizer() tokenizer.Tokenizer { return m.tok }

// Template implements Model.
func (m *model) Template() *chat.Template { return m.template }

// Close implements Model.
func (m *model) Close() error {
	m.once.Do(func() {
		var errs []error
		if m.dir != nil {
			errs = append(errs, m.dir.Close())
		}
		if m.pool != nil {
			m.pool.Close()
		}
		errs = append(errs, m.files.Close())
		m.closeErr = errors.Join(errs...)
	})
	return m.closeErr
}
