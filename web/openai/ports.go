package openai

import (
	"context"

	"samara/loader"
	"samara/registry"
)

// A Generator answers prompts. Errors carry a code (client.Coder): not_found
// for an unknown model, context_length_exceeded for a prompt that does not fit,
// unsupported_model for one that the engine cannot run.
type Generator interface {
	// Models returns the tags whose versions can be asked, sorted by reference.
	Models(ctx context.Context) ([]registry.Entry, error)
	// Generate loads the model if need be, answers the request and hands out
	// text as it comes. It stops at the first error of emit and returns it.
	// model is what the client sent: a reference, or any other text.
	Generate(ctx context.Context, model string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error)
}
