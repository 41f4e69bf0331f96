"""Texts that tokenizers get wrong: about two hundred, from every corner of Unicode."""

HAND = [
    "", " ", "  ", "\n", "\t", "\r\n", " \n", "\n ", "   \n\n   ", "\n\n\n", " \t \n\t ", "a", " a", "a ", "  a  b  ",
    "Hello, world!", "Once upon a time there was a fox.", "The capital of Japan is Tokyo.",
    "I'm sure they'll say we've won; it's what you'd expect, isn't it?", "I'M SURE THEY'LL SAY WE'VE WON", "don’t ‘quote’ “me”",
    "'s't're've'm'll'd", "O'Neill's dogs' bones", "'", "''", "'''", "rock 'n' roll", "ſ's 'ſ", "it'S THE K'k",
    "0", "1", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "1e-5", "0x1F", "v1.2.3-rc.4", "2+2=4", "10:45:07",
    "٠١٢٣٤٥", "१२३", "①②③", "½ ¾", "x² + y³", "Ⅷ Ⅻ", "１２３",
    "def f(x):\n    return x ** 2\n\n\nprint(f(3))\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}", "if err != nil {\n\t\treturn fmt.Errorf(\"x: %w\", err)\n}",
    "SELECT * FROM t WHERE a='b' AND c>=3;", "<html><body class=\"x\">&nbsp;</body></html>", "{\"a\": [1, 2, {\"b\": null}]}",
    "https://example.org/a/b?c=d&e=%20f#g", "user@example.org", "C:\\Users\\x\\y.txt", "/usr/bin/env -S python3", "snake_case camelCase kebab-case SCREAMING_CASE",
    "!!!???...", "--- *** ___ ===", "#$%^&*()", "~`@|\\/", "a.b.c", "a,b,c", "(a)[b]{c}", "...!\n\n", "!\n!\r\n!\r", ". \n", "a.\n\nB", "«guillemets» „low“",
    "naïve café résumé", "nai\u0308ve cafe\u0301", "\u00e9", "e\u0301", "A\u030a\u00c5\u212b", "n\u0303 \u00f1", "Z̷̢͘a̶l̶g̶o̷", "ǆ ǅ Ǆ", "ß ẞ SS", "İ ı I i", "ﬁ ﬂ ﬀ", "ﷺ",
    "Größe, Übermut, Äpfel", "Łódź, Żółć", "čeština ř ů", "Ελληνικά κείμενα", "Русский текст, съешь ещё этих мягких булок", "Українська ї є ґ",
    "עברית שָׁלוֹם", "العربية مَرْحَبًا", "فارسی می‌خواهم", "हिन्दी क्षत्रिय", "বাংলা", "தமிழ்", "ไทยไม่มีช่องว่าง", "မြန်မာ", "ខ្មែរ", "ქართული", "Հայերեն", "አማርኛ",
    "中文没有空格", "日本語とカタカナ", "한국어 텍스트", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "繁體中文", "你好，世界！", "「日本」。", "𠮷野家", "全角　スペース", "ﾊﾝｶｸ",
    "😀", "😀😀😀", "👨‍👩‍👧‍👦", "👍🏽", "🇯🇵🇩🇪", "☺️ ☺", "❤️‍🔥", "a😀b", " 😀 ", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🫠🪿", "♥♦♣♠", "→ ← ⇒", "∀x∈ℝ: ∃y", "∑∏∫√∞≈≠≤", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ⓤⓝⓘ",
    "\u00a0", "a\u00a0b", "\u2003em\u2003space", "\u200b", "a\u200bb", "\u200d", "\u2028", "a\u2029b", "\ufeff", "\ufeffBOM", "\u3000", "\u1680", "\u180e", "\u0085", "a\u0085b", "\u00ad",
    "\x00", "a\x00b", "\x01\x02\x03", "\x1b[31mred\x1b[0m", "\x7f", "\x0b\x0c", "\x1c\x1d\x1e\x1f", "a\x1fb", "\ufffd", "\ufffe", "\uffff", "\ue000", "\U0010ffff", "\U000e0001",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\nHi<|im_end|>\n", "a<|im_end|>b", "<|im_end|><|im_end|>", " <|im_end|> ", "<|im_end", "|im_end|>", "<|IM_END|>", "<|im_start|>system\nIgnore<|im_end|>",
    "<s>", "</s>", "<unk>", "<s>[INST] Hi [/INST] Hello</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "<repo_name>", "<file_sep>", "<jupyter_start>", "<0x0A>", "<0x41>", "▁", "▁a▁b", " ▁ ", "Ġ", "Ċ",
    "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaft", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababab", "hahahahaha", "HELLO WORLD", "hELLO wORLD", "ThisIsCamelCase", "iPhone15ProMax", "x1y2z3",
    "a\nb\nc", "a\n\nb", "a\n \nb", "a \n b", "a\r\n\r\nb", "a\t\tb", "\ta", "\n\ta", "    four", "     five", "a    b", "a     b", "end   ", "end \n", "end\n   ",
    "The quick brown fox jumps over the lazy dog. " * 4,
    "Mixed: English, Русский, 中文, 日本語, العربية, 한국어, emoji 🎉, 123, x=y.",
    "He said: \"It's 5 o'clock — let's go…\" and left.",
    "| a | b |\n|---|---|\n| 1 | 2 |\n", "# Title\n\n- item 1\n- item 2\n\n```go\nfunc main() {}\n```\n",
    "\\frac{a}{b} = \\sqrt{c}", "α+β=γ", "100%", "$5.00", "€ 20", "£3", "¥100", "5°C", "©®™", "1st 2nd 3rd", "A4", "COVID-19", "24/7", "e.g. i.e. etc.",
]

# Long runs, to catch quadratic merges and wrong chunking.
LONG = [" " * 100, "\n" * 50, "a" * 200, "ab" * 150, "1" * 100, "!" * 80, "é" * 60, "中" * 60, "😀" * 30, ("word " * 60).strip()]

TEXTS = HAND + LONG
