// Package openai answers the OpenAI dialect, /v1: models, chat completions and
// completions, streamed and not.
//
// A field that the engine does not honour is refused by its name unless its
// value asks for nothing; none is ignored in silence.
package openai
