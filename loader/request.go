package loader

import "samara/loader/chat"

// A Request asks for one continuation. Exactly one of Messages, Prompt and
// PromptIDs is given.
type Request struct {
	// Messages is a conversation; the model's chat template renders it. Text
	// inside messages never becomes a special token.
	Messages []chat.Message
	// Tools is handed to the template as it is.
	Tools []any
	// Extra holds further variables of the template.
	Extra map[string]any
	// Prompt is text to continue as it is, with BOS as the model asks. Special
	// tokens in it are read as text unless ParseSpecial is set.
	Prompt       string
	ParseSpecial bool
	// PromptIDs are tokens to continue; nothing is added.
	PromptIDs []int32

	// MaxTokens bounds the answer; 0 means until the context is full.
	MaxTokens int
	// Stop lists texts that end the answer; they are not part of it.
	Stop []string
	// IgnoreEOS goes on past the model's stop tokens (benchmarks).
	IgnoreEOS bool
	Sampling  Sampling
}

// Sampling says how the next token is chosen. A nil field takes the model's
// own value (generation_config.json), or where it has none: temperature
// DefaultTemperature, top-p DefaultTopP, no top-k, no min-p, no penalty and a
// random seed.
type Sampling struct {
	Temperature       *float32 // 0 chooses the most likely token
	TopP              *float32 // (0, 1]; 1 keeps all
	MinP              *float32 // [0, 1); 0 keeps all
	TopK              *int     // 0 keeps all
	RepetitionPenalty *float32 // 1 changes nothing
	PresencePenalty   *float32 // 0 changes nothing
	FrequencyPenalty  *float32 // 0 changes nothing
	Seed              *uint64
}

// Sampling where neither the request nor the model says otherwise.
const (
	DefaultTemperature = 0.7
	DefaultTopP        = 0.95
	// MaxTemperature is the largest temperature and repetition penalty taken.
	MaxTemperature = 100
)

// A Chunk is a piece of an answer as it comes.
type Chunk struct {
	Text string  // complete UTF-8; may be "" while a character is unfinished
	IDs  []int32 // the tokens behind it; valid during the call only
}

// Finish reasons.
const (
	FinishStop   = "stop"   // the model ended its turn, or a stop string came
	FinishLength = "length" // MaxTokens or the context was reached
)

// Usage counts tokens.
type Usage struct {
	PromptTokens     int
	CompletionTokens int
}

// A Result is a whole answer.
type Result struct {
	Text         string  // everything emitted
	IDs          []int32 // the generated tokens without the stop token
	PromptIDs    []int32
	FinishReason string // FinishStop or FinishLength, "" on error
	Usage        Usage

	PrefillSeconds float64 // reading the prompt up to the first logits
	DecodeSeconds  float64 // everything after it
}
