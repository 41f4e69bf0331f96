package tokenizer

// Pre-tokenizers that a GGUF file names by tokenizer.ggml.pre. Each is a list
// of splits that run one after another.

const (
	gpt2Pattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

	llama3Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}` + afterWords
	qwen2Pattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + afterWords
	qwen35Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*` + afterSymbols

	afterWords   = `| ?[^\s\p{L}\p{N}]+[\r\n]*` + afterSymbols
	afterSymbols = `|\s*[\r\n]+|\s+(?!\S)|\s+`

	upper       = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower       = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	camelLower  = `[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+`
	camelUpper  = `[^\r\n\p{L}\p{N}]?` + upper + `+` + lower + `*`
	contraction = `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
	slashes     = `| ?[^\s\p{L}\p{N}]+[\r\n/]*` + afterSymbols

	tekkenPattern = camelLower + `|` + camelUpper + `|\p{N}` + slashes
	o200kPattern  = camelLower + contraction + `|` + camelUpper + contraction + `|\p{N}{1,3}` + slashes

	ideographPattern  = `[一-龥぀-ゟ゠-ヿ]+`
	deepseekV3Pattern = `[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` + "`" + `{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+` +
		`| ?[\p{P}\p{S}]+[\r\n]*` + afterSymbols
)

// A preTokenizer is a named way to split, with what else the name implies.
type preTokenizer struct {
	splits patterns
	digits bool // every digit by itself, before the splits
	whole  bool // ignore_merges
	addBOS bool // where the file does not say
	nfc    bool
}

// A patterns is a list of regular expressions whose matches become pieces.
type patterns []string

var (
	preGPT2   = preTokenizer{splits: patterns{gpt2Pattern}}
	preSmol   = preTokenizer{splits: patterns{gpt2Pattern}, digits: true}
	preLlama3 = preTokenizer{splits: patterns{llama3Pattern}, whole: true, addBOS: true}
	preCL100K = preTokenizer{splits: patterns{llama3Pattern}}
	preQwen2  = preTokenizer{splits: patterns{qwen2Pattern}, nfc: true}
	preQwen35 = preTokenizer{splits: patterns{qwen35Pattern}, nfc: true}
	preTekken = preTokenizer{splits: patterns{tekkenPattern}, whole: true, addBOS: true}
	preO200K  = preTokenizer{splits: patterns{o200kPattern}}

	preDefault = preTokenizer{splits: patterns{
		`[\p{P}\$\+<=>\^~\|]+`, gpt2Pattern, `\p{N}+`, `[0-9][0-9][0-9]`,
	}}
	preFalcon = preTokenizer{splits: patterns{
		`[\p{P}\$\+<=>\^~\|` + "`" + `]+`, gpt2Pattern, `[0-9][0-9][0-9]`,
	}}
	preDeepseekCoder = preTokenizer{splits: patterns{
		`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, `[一-龥ࠀ-一가-퟿]+`, `\p{N}`,
	}}
	preDeepseekV3 = preTokenizer{splits: patterns{
		`\p{N}{1,3}`, ideographPattern, deepseekV3Pattern,
	}}
)

// preTokenizers is keyed by tokenizer.ggml.pre.
var preTokenizers = map[string]preTokenizer{
	"default": preDefault,

	"gpt-2": preGPT2, "phi-2": preGPT2, "mpt": preGPT2, "olmo": preGPT2, "jais": preGPT2,
	"jina-es": preGPT2, "jina-de": preGPT2, "jina-v2-es": preGPT2, "jina-v2-de": preGPT2,
	"roberta-bpe": preGPT2, "trillion": preGPT2, "exaone4": preGPT2, "a.x-4.0": preGPT2, "mellum": preGPT2,

	"smollm": preSmol, "starcoder": preSmol, "refact": preSmol, "command-r": preSmol,
	"codeshell": preSmol, "exaone": preSmol, "minerva-7b": preSmol,

	"llama-bpe": preLlama3, "llama3": preLlama3, "llama-v3": preLlama3, "falcon3": preLlama3,
	"falcon-h1": preLlama3, "pixtral": preLlama3, "midm-2.0": preLlama3, "lfm2": preLlama3,

	"dbrx": preCL100K, "smaug-bpe": preCL100K, "glm4": preCL100K, "chatglm-bpe": preCL100K, "seed-coder": preCL100K,

	"qwen2": preQwen2, "deepseek-r1-qwen": preQwen2, "stablelm2": preQwen2, "megrez": preQwen2, "hunyuan": preQwen2,
	"qwen35": preQwen35,

	"tekken": preTekken,
	"gpt-4o": preO200K, "llama4": preO200K, "kanana2": preO200K,

	"falcon": preFalcon, "deepseek-coder": preDeepseekCoder,
	"deepseek-v3": preDeepseekV3, "hunyuan-dense": preDeepseekV3, "joyai-llm": preDeepseekV3,
}

// mustSplit returns the splits of patterns that are constants of this package.
func (p patterns) mustSplit() []splitter {
	list := make([]splitter, 0, len(p))
	for _, source := range p {
		s, err := newSplit(source, isolated, false)
		if err != nil {
			panic(err) // TestPatterns compiles them all
		}
		list = append(list, s)
	}
	return list
}

func (p preTokenizer) splitters() []splitter {
	var list []splitter
	if p.digits {
		list = append(list, scanner(numbers{characterClasses(), 1}.scan))
	}
	return append(list, p.splits.mustSplit()...)
}
