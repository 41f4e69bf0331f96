package loader

import (
	"context"
	"errors"
)

// Open maps a model and makes it ready to run. It owns src from here on, and
// closes it where it fails. It returns a *FormatError for a broken file and an
// *UnsupportedError for a model that this engine cannot run.
func Open(ctx context.Context, src Source, o Options) (Model, error) {
	return nil, errors.Join(errNoModel, src.Close())
}
