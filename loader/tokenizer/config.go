package tokenizer

import (
	"encoding/json"
	"slices"
)

// jsonConfig is the part of tokenizer_config.json that Samara reads.
type jsonConfig struct {
	BOSToken    jsonName `json:"bos_token"`
	EOSToken    jsonName `json:"eos_token"`
	AddBOSToken *bool    `json:"add_bos_token"`
	AddEOSToken *bool    `json:"add_eos_token"`
}

// A jsonName is a token's name, written "name" or {"content": "name"}.
type jsonName string

func (n *jsonName) UnmarshalJSON(b []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(b, &object) == nil {
		*n = jsonName(object.Content)
		return nil
	}
	return json.Unmarshal(b, (*string)(n))
}

// apply sets BOS, EOS and what AddSpecial adds; an explicit setting beats the
// post-processor.
func (c *jsonConfig) apply(p *pipeline) {
	if id, ok := p.Find(string(c.BOSToken)); ok {
		p.bos = id
	} else if len(p.prefix) > 0 {
		p.bos = p.prefix[0]
	}
	eos := none
	if id, ok := p.Find(string(c.EOSToken)); ok {
		eos = id
	}
	p.setEOS(eos)
	if c.AddBOSToken != nil {
		p.setBOS(*c.AddBOSToken)
	}
	if c.AddEOSToken != nil {
		p.suffix = nil
		if *c.AddEOSToken && eos != none {
			p.suffix = []int32{eos}
		}
	}
	p.addBOS = p.bos != none && len(p.prefix) > 0 && p.prefix[0] == p.bos
}

// setBOS makes AddSpecial add BOS or not.
func (p *pipeline) setBOS(add bool) {
	p.prefix = nil
	if add && p.bos != none {
		p.prefix = []int32{p.bos}
	}
}

// endNames are control tokens that end a turn wherever they exist.
var endNames = []string{
	"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>",
	"<end_of_turn>", "<|return|>", "<|call|>", "<|eos|>", "</s>", "<eos>",
}

// setEOS sets the tokens that end generation: the model's own first, then the
// well-known ones among its control tokens.
func (p *pipeline) setEOS(own ...int32) {
	p.eos = nil
	add := func(id int32) {
		if !slices.Contains(p.eos, id) {
			p.eos = append(p.eos, id)
		}
	}
	for _, id := range own {
		if id >= 0 && int(id) < len(p.names) {
			add(id)
		}
	}
	for _, name := range endNames {
		if id, ok := p.ids[name]; ok && p.control[id] {
			add(id)
		}
	}
}
