package tokenizer

import "testing"

// FuzzFile reads a stranger's tokenizer file; what is accepted must work.
func FuzzFile(f *testing.F) {
	// Small ones: the fuzzer shrinks whatever it finds, byte by byte.
	for _, seed := range []string{
		`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"normalizer":{"type":"Replace","pattern":{"String":"a"},"content":"b"}}`,
		`{"model":{"vocab":{"H":0,"e":1,"He":2},"merges":[["H","e"]],"byte_fallback":true,"unk_token":"e"},"decoder":{"type":"Metaspace"},"pre_tokenizer":{"type":"Metaspace","split":true}}`,
		`{"model":{"vocab":{"a":0}},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"l+"},"behavior":"Removed"},{"type":"ByteLevel"}]},"added_tokens":[{"id":1,"content":"<s>","special":true,"lstrip":true}]}`,
		`{"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["\u2581H",-1],["el",-2.5],["l",-3]],"byte_fallback":true},"pre_tokenizer":{"type":"Metaspace"},"normalizer":{"type":"Precompiled","precompiled_charsmap":"CAAAAAABAAAABAAAYQA="}}`,
		`{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"he":1,"##l":2}},"normalizer":{"type":"BertNormalizer","lowercase":true,"clean_text":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true}}`,
		"[UNK]\n[CLS]\n[SEP]\nhe\n##l\n##lo\n",
		`{"vocab":[{"rank":0,"token_bytes":"YQ=="}],"config":{"pattern":"a","default_vocab_size":21,"default_num_special_tokens":20}}`,
		"\x0a\x0c\x0a\x05<unk>\x18\x02\x0a\x0a\x0a\x03\xe2\x96\x81\x15\x00\x00\x80\xbf\x0a\x08\x0a\x01H\x15\x00\x00\x00\xc0\x12\x02\x18\x02\x1a\x06\x12\x04\x00\x00\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		tok, err := FromFile(file, nil)
		if err != nil {
			return
		}
		ids, err := tok.Encode("Hello <s> é\n 12 ab", EncodeOptions{AddSpecial: true, ParseSpecial: true})
		if err != nil {
			return
		}
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("got id %d of %d", id, tok.VocabSize())
			}
		}
		_ = tok.Decode(ids)
	})
}

// FuzzText encodes a stranger's text: a byte-level model gives every byte back,
// and no special token appears that was not asked for.
func FuzzText(f *testing.F) {
	toks := map[string]Tokenizer{"gpt2": open(f, "gpt2"), "tekken": open(f, "tekken"), "spm-bare": open(f, "spm-bare")}
	f.Add("Hello, world! <s> <|endoftext|>")
	f.Add("\xff\xc3 é e\u0301   \r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, tok := range toks {
			ids, err := tok.Encode(text, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			for _, id := range ids {
				if tok.IsControl(id) {
					t.Fatalf("%s: %q became %s", name, text, tok.Token(id))
				}
				got = append(got, tok.Bytes(id)...)
			}
			if string(got) != text {
				t.Fatalf("%s: got %q, want %q", name, got, text)
			}
		}
	})
}
