"""Tokenizers that show what a normalizer or a pre-tokenizer does, and hide nothing of it.

Behind a normalizer stand bytes without merges, so that every character and its offsets show; behind a
pre-tokenizer a vocabulary that knows no word, so that each word is one [UNK] with the word's offsets.
"""
from . import subjects

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}


def replace(content, **pattern):
    return {"type": "Replace", "pattern": pattern, "content": content}


def split(behavior="Isolated", invert=False, **pattern):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


def normalizers(*steps):
    return {"type": "Sequence", "normalizers": list(steps)}


def metaspace(scheme, cuts=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cuts}


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|"
          r"\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
         r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CATEGORIES = ("L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Cn "
              "Co").split()

NORMALIZERS = {
    "NFC": {"type": "NFC"}, "NFD": {"type": "NFD"}, "NFKC": {"type": "NFKC"}, "NFKD": {"type": "NFKD"},
    "Nmt": {"type": "Nmt"}, "Lowercase": {"type": "Lowercase"}, "StripAccents": {"type": "StripAccents"},
    "ByteLevel": {"type": "ByteLevel"},
    "Strip": {"type": "Strip", "strip_left": True, "strip_right": True},
    "Strip left": {"type": "Strip", "strip_left": True, "strip_right": False},
    "Strip right": {"type": "Strip", "strip_left": False, "strip_right": True},
    "Llama": normalizers({"type": "Prepend", "prepend": "▁"}, replace("▁", String=" ")),
    "Gemma": replace("▁", String=" "),
    "ALBERT": normalizers(replace("\"", String="``"), replace("\"", String="''"), {"type": "NFKD"},
                          {"type": "StripAccents"}, {"type": "Lowercase"}, replace(" ", Regex=" {2,}")),
    "DeBERTa": normalizers({"type": "Strip", "strip_left": True, "strip_right": True}, replace(" ", Regex=" {2,}"),
                           {"type": "Lowercase"}, {"type": "NFC"}),
    "CLIP": normalizers({"type": "NFC"}, replace(" ", Regex=r"\s+"), {"type": "Lowercase"}),
    "BERT and more": normalizers({"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                  "strip_accents": None, "lowercase": False}, {"type": "NFKC"}, {"type": "NFD"}),
}

PRE_TOKENIZERS = {
    "Whitespace": {"type": "Whitespace"}, "WhitespaceSplit": {"type": "WhitespaceSplit"},
    "CharDelimiterSplit": {"type": "CharDelimiterSplit", "delimiter": "é"},
    "Digits": {"type": "Digits", "individual_digits": False},
    "Digits single": {"type": "Digits", "individual_digits": True},
    "Bert and digits": sequence({"type": "BertPreTokenizer"}, {"type": "Digits", "individual_digits": True}),
    **{f"Punctuation {behavior}": {"type": "Punctuation", "behavior": behavior}
       for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")},
    **{f"Split {behavior} {invert}": split(behavior, invert, Regex=r"\s+|\p{P}")
       for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
       for invert in (False, True)},
    "Split String": split("MergedWithPrevious", String=" "),
    "Metaspace": metaspace("always"), "Metaspace first": metaspace("first"),
    "Metaspace never": metaspace("never"), "Metaspace whole": metaspace("first", False),
    "T5": sequence({"type": "WhitespaceSplit"}, metaspace("always")),
    "Falcon": sequence({"type": "Punctuation", "behavior": "Contiguous"}, {**BYTES, "use_regex": True},
                       {"type": "Digits", "individual_digits": False}, split(Regex="[0-9][0-9][0-9]")),
    "DeepSeek": sequence(split(Regex=r"\p{N}{1,3}"), split(Regex="[一-龥぀-ゟ゠-ヿ]+"), split(Regex=DEEPSEEK)),
    **{f"pattern {name}": split(Regex=pattern) for name, pattern in (
        ("GPT-2", GPT2), ("Llama 3", LLAMA3), ("cl100k", CL100K), ("Qwen2", QWEN2), ("o200k", O200K), ("CLIP", CLIP),
        ("BLOOM", BLOOM), ("Tekken", TEKKEN))},
    "pattern removed": split("Removed", True, Regex=LLAMA3),
    **{f"category {name}": split(Regex=rf"\p{{{name}}}") for name in CATEGORIES},
    **{f"class {name}": split(Regex=pattern) for name, pattern in (
        ("word", r"\w+"), ("words", r"[\w]+"), ("no word", r"\W+"), ("digit", r"\d"), ("space", r"\s"),
        ("others", r"[\W\D]"), ("no space", r"[^\S\n]+"),
        ("any", r"a.b"), ("case", r"(?i:k[a-s]|es?)"), ("lazy", r"a+?b*?c|[ab]{2,3}x"),
        ("sets", r"[\p{L}&&[^a-m\p{Lu}]]+|[^[0-5][\s]&&[^\w]]"),
        ("possessive", r"a++b|(?:ab)*+c|\p{L}?+1"), ("look", r"a(?=b|c)|\p{L}+(?!\p{N})|x$"), ("end", r"\S+\z"))},
}


def tokenizer(normalizer, pre_tokenizer, model):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": None, "decoder": None, "model": model}


def bytes_model():
    return {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": subjects.numbered(subjects.byte_letters().values()), "merges": []}


def unknowing_model():
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0}}


def make_subjects(folder):
    """Writes the directories into `folder`."""
    made = []
    for number, (name, content) in enumerate(contents().items()):
        directory = folder / f"step-{number}"
        directory.mkdir()
        subjects.write_json(directory / "tokenizer.json", content)
        made.append(subjects.Subject(name, directory))
    return made


def contents():
    """{name: tokenizer.json} of all."""
    made = {}
    for name, step in NORMALIZERS.items():
        made[f"steps/{name}"] = tokenizer(step, BYTES, bytes_model())
    for name, step in PRE_TOKENIZERS.items():
        made[f"steps/{name}"] = tokenizer(None, step, unknowing_model())
    for name in ("Metaspace first", "T5", "Falcon"):
        last = [] if name == "Falcon" else [BYTES]
        made[f"steps/{name} in bytes"] = tokenizer(None, sequence(PRE_TOKENIZERS[name], *last), bytes_model())
    made["steps/stripped Metaspace"] = tokenizer(
        NORMALIZERS["Strip"], sequence(metaspace("first"), BYTES), bytes_model())
    return made
