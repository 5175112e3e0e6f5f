#!/usr/bin/env python3
"""Writes testdata/text: small tokenizers of each public kind, tricky lines, and the ids that `tokenizers` gives them.

  tokenizer_golden.py OUT [--long LINES_FILE]

OUT/<kind>.json         a tokenizer of 700 entries: llama3, qwen2, qwen35, smollm2, gpt2, llama4, and spaces (added white space,
                        stripping, whole words), gguf_default (the splits of GGUF's "default", only for its vocabulary)
OUT/lines.json          the lines
OUT/<kind>.ids.json     {"plain": ids by line with special tokens not recognised, "trusted": ids with all added tokens}
With --long, writes LINES_FILE with 10,000 lines in 40 languages and scripts, one JSON string a line, for a longer
check by hand. Needs pip's tokenizers.
"""
import argparse
import json
import pathlib
import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + REST
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + REST
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
QWEN35 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
LLAMA4 = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
          r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

SENTENCES = [
    "The quick brown fox doesn't jump over 12345 lazy dogs; they've said so, I'll bet it's TRUE.",
    "How many red shapes are there? Answer: 3 red circles and 2 blue squares.",
    "def add(a, b):\n    return a + b  # 1 + 2 == 3\n\nclass Foo(Bar):\n\tpass\n",
    "Größe und Übermut tun selten gut: für 3,50 € im Café an der Straße.",
    "L'été dernier, j'ai mangé des œufs à la coque près du château, n'est-ce pas ?",
    "El niño comió piñas; ¿cuántas quedan? ¡Ninguna!", "Zażółć gęślą jaźń, proszę państwa.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "我能吞下玻璃而不伤身体。价格是128元。", "いろはにほへと ちりぬるを。カタカナとひらがな、漢字。", "나는 유리를 먹을 수 있어요. 그래도 아프지 않아요.",
    "أنا قادر على أكل الزجاج و هذا لا يؤلمني. ١٢٣٤٥", "אני יכול לאכול זכוכית וזה לא מזיק לי.", "मैं काँच खा सकता हूँ और मुझे चोट नहीं पहुँचती। १२३",
    "ฉันกินกระจกได้ แต่มันไม่ทำให้ฉันเจ็บ", "Tôi có thể ăn thủy tinh mà không hại gì.", "நான் கண்ணாடி சாப்பிடுவேன்", "აბგდევზთ ქართული ენა",
    "Ես կրնամ ապակի ուտել", "ᚠᛇᚻ᛫ᛒᛦᚦ᛫ᚠᚱᚩᚠᚢᚱ", "Ik kan glas eten, het doet mĳ geen kwaad.", "Þetta er íslenska, ekki færeyska.",
    "বাংলা ভাষায় কথা বলি।", "తెలుగు భాష", "ಕನ್ನಡ ಭಾಷೆ", "മലയാളം ഭാഷ", "ગુજરાતી ભાષા", "ਪੰਜਾਬੀ ਭਾਸ਼ਾ", "සිංහල භාෂාව", "ລາວ ພາສາ", "မြန်မာဘာသာ",
    "ភាសាខ្មែរ", "አማርኛ ቋንቋ", "Kiswahili ni lugha nzuri.", "Türkçe: ığüşöç İSTANBUL ısı", "𝒳 ∈ ℝⁿ, ∑ᵢ xᵢ² ≤ 1 ⇒ ‖x‖ ≤ 1", "😀👍🏽👩‍👩‍👧‍👦🇩🇪 emoji ❤️ ok",
]
TRICKY = [
    "", " ", "  ", "   ", "a", " a", "  a", "a ", "a  ", "a   b", "\n", "\n\n", " \n", "\n ", " \n \n  x", "a\n\n\nb", "a \n b", "a  \n\n  b", "\r\n",
    "a\r\nb\r\n\r\n", "\t", "\t\tx", " \tx", "x\t \ty", "\u00a0", "\u00a0a", "a\u00a0\u00a0b", "\u3000日本", "\u2028x\u2029", "\u0085a", "\u200bzero\u200bwidth", "a\u202fb",
    "it's", "IT'S", "it'S I'Ll we'RE They'Ve I'D I'M DON'T", "'s", "''s", " 's", "'tis", "o'clock", "'", "' s", "'\u017f x'\u017fy", "don\u2019t", "'ll'll", "x'sy", "l'll",
    "1", "12", "123", "1234", "12345678901", " 1", "  12", "a1b2", "1a", "1.5", "1,000,000", "3/4", "½", "²³", "Ⅳ", "१२३४", "١٢٣٤", "𝟙𝟚𝟛𝟜", "1 2  3   4", "1\n2",
    "x=1;y=2", "!!!", " !!!", "!!!\n", "!!!\n\n x", "?!\r\nx", "...", " ...a", "---/n", "//\n/", "a//\n//b", "/*\n*/", "://", "http://x.y/z?q=1&r=2#f", "a@b.cd", "_a_b_", "__init__",
    "$x^2$", "#1", "# 1", "C++", "C#", "{\"a\": [1, 2.5, null]}", "<|eot|>", "<|start|>user<|message|>hi<|eot|>", "<|start|>assistant to=self<|message|>", "a<|eot|>b", "<|eot|",
    "<|eot|><|eot|>", " <|eot|> ", "<think>x</think>", "<think>\n\n</think>", "<|loc_07|>", "x <mask> y", "x  <mask>", "<mask>  y", "word", "words", "sword", "a word b", "a,word.b", "_word",
    "camelCaseWord", "CamelCaseWORD", "XMLHttpRequest", "ABC", "ABCd", "aBC", "ÀÉÎõ", "ǅ ǅa aǅ", "ʰa Aʰ ʰA", "あBC", "BCあ", "aあB", "ABあcd'S", "日本語TEXT日本語", "e\u0301", "E\u0301te\u0301", "\u0301a",
    " \u0301a", "!\u0301a", "\u0301\u0301", "A\u030a", "\u212b", "\uac00", "\u1100\u1161\u11a8", "ﬁ", "ſ", "İi", "ß", "क्षि", "ก็", "\ufb01x", "e\u0323\u0307", "\u0344", "\u2126",
    "\u200d", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "❤️", "👍🏽", "\ufeffbom", "\ufffd", "\U0010ffff", "\ue000", "\x00", "a\x00b", "\x01\x02", "\x7f", "\u00ad", "\u0600\u0661", "\u2160\u2161", "㊀", "①②", "一二三", "〇",
    "a" * 200, "ab" * 150, " " * 100, " " * 99 + "x", "\n" * 50, "1" * 100, "!" * 100, "é" * 80, "word " * 30, "aA" * 40, "Aa" * 40, "あ" * 70 + "B" * 70, "日" * 100,
    "    return x\n        if y:\n", "\tif (x) {\n\t\treturn;\n\t}\n", "a\u2003b", "x \u3000 y", "  \u00a0  z", " \r \n x", "a\x0bb\x0cc", "\x1c\x1d\x1e\x1f", "٪ ٫ ٬", "« ça »", "„Zitat“", "—dash—", "a—b", "…", "№5", "5°C", "50%", "€5", "5€", "R2D2", "x²", "H₂O", "10⁻³",
]


def random_lines(count, seed):
    rng = random.Random(seed)
    pieces = [" ", "  ", "\n", "\t", "'s", "'LL", "1", "23", "456", ".", "!?", "a", "B", "word", "É", "e\u0301", "あ", "漢", "क्", "ʰ", "ǅ", "😀", "\u00a0", "\u200d", "²", "/", "<|eot|>", "<mask>", "\r\n", "'", "_", "İ", "ſ"]
    return ["".join(rng.choice(pieces) for _ in range(rng.randint(2, 14))) for _ in range(count)]


def byte_level(use_regex):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(*patterns):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in patterns] + [byte_level(False)])


def special(text, **flags):
    return AddedToken(text, special=True, normalized=False, **flags)


KINDS = {
    "llama3": dict(pre=split(LLAMA3), added=[special("<|begin_of_text|>"), special("<|eot|>")], ignore_merges=True),
    "qwen2": dict(pre=split(QWEN2), nfc=True, added=[special("<|eot|>"), AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)]),
    "qwen35": dict(pre=split(QWEN35), nfc=True, added=[special("<|eot|>")]),
    "gguf_default": dict(pre=split(r"[\p{P}$+<=>^~|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"), added=[special("<|eot|>")]),
    "smollm2": dict(pre=pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]), added=[special("<|eot|>"), special("<|start|>")], first=True),
    "gpt2": dict(pre=byte_level(True), added=[special("<|eot|>")]),
    "llama4": dict(pre=split(LLAMA4), added=[special("<|eot|>"), special("<|start|>"), special("<|message|>")]),
    "spaces": dict(pre=byte_level(True), nfc=True, added=[
        special("<mask>", lstrip=True), special("<|eot|>", rstrip=True), AddedToken("word", single_word=True, normalized=True),
        AddedToken("    ", normalized=False), AddedToken("\t\t", normalized=True), AddedToken("Éé", normalized=True)]),
}


def make(kind):
    spec = KINDS[kind]
    tokenizer = Tokenizer(models.BPE(ignore_merges=spec.get("ignore_merges", False)))
    if spec.get("nfc"):
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = spec["pre"]
    tokenizer.decoder = decoders.ByteLevel()
    first = [str(t) if not isinstance(t, AddedToken) else t for t in spec["added"]] if spec.get("first") else []
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=first, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3 + TRICKY, trainer)
    tokenizer.add_tokens(spec["added"])
    return tokenizer


def plain_twin(tokenizer, is_text=lambda token: False):
    """The same tokenizer with only those added tokens that are ordinary for text from users: those that aren't called
    special and are white space, come out of the merges anyway, or are text by `is_text`."""
    text = json.loads(tokenizer.to_str())
    merged = {"".join(pair) for pair in text["model"]["merges"]}
    all_added = text["added_tokens"]
    text["added_tokens"] = [t for t in all_added if not t["special"] and (not t["content"].strip() or t["content"] in merged or is_text(t))]
    # Ids of added tokens outside the vocabulary follow from their number, so the twin lists them in the vocabulary.
    for token in all_added:
        text["model"]["vocab"].setdefault(token["content"], token["id"])
    return Tokenizer.from_str(json.dumps(text))


def long_lines(count, seed=1):
    rng = random.Random(seed)
    words = [w for s in SENTENCES for w in s.split()]
    lines = []
    for i in range(count):
        kind = i % 5
        if kind == 0:
            line = rng.choice(SENTENCES)[: rng.randint(1, 200)]
        elif kind == 1:
            line = rng.choice(["", " ", "  "]).join(rng.choices(words, k=rng.randint(1, 20)))
        elif kind == 2:
            line = "".join(chr(c) for c in rng.choices([c for c in range(0x20, 0x3000) if unicodedata.category(chr(c)) != "Cn"], k=rng.randint(1, 40)))
        elif kind == 3:
            line = "".join(rng.choice(words) + rng.choice([" ", "\n", "\t", "\u3000", "  ", "'s ", "123", "/", ""]) for _ in range(rng.randint(1, 20)))
        else:
            line = random_lines(1, rng.random())[0]
        lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--long", type=pathlib.Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    lines = SENTENCES + TRICKY + random_lines(150, 7)
    (args.out / "lines.json").write_text(json.dumps(lines, ensure_ascii=True, indent=0) + "\n")
    for kind in KINDS:
        tokenizer = make(kind)
        (args.out / f"{kind}.json").write_text(tokenizer.to_str(), encoding="utf-8")
        plain = plain_twin(tokenizer)
        ids = {"plain": [plain.encode(x, add_special_tokens=False).ids for x in lines],
               "trusted": [tokenizer.encode(x, add_special_tokens=False).ids for x in lines]}
        (args.out / f"{kind}.ids.json").write_text(json.dumps(ids, separators=(",", ":")) + "\n")
    if args.long:
        args.long.write_text("".join(json.dumps(x) + "\n" for x in long_lines(10000)))


if __name__ == "__main__":
    main()
