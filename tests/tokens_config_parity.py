"""Random pairs of a tokenizer.json and the files that say how it is to be read, against transformers' AutoTokenizer.

ATTNVIZ_SEEDS=0:3000 runs those seeds; without it, a sample. Each directory must give the same tokens, or be refused
by attnviz with a message that names the entry.
"""
import base64
import collections
import functools
import json
import logging
import os
import pathlib
import random
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(TESTS))

import pytest  # noqa: E402

from sweep import comparison, families, subjects  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TESTS.parent / "build" / "release"))
PROGRAM = BUILD / "tokens_sweep"
SAMPLE = range(150)
MOST_REFUSED = 0.1

TEXTS = [
    "the cat sat on the mat", "The Cat  SAT  on\nthe mat. ", " Été à Zürich, naïve façade", "日本語 the 中文字", "",
    "Hello[MASK]the  [CLS] cat[SEP]x [UNK] ", "<s>the cat</s> <mask>cat <unk> <pad>x", "a <new> b<New>c  <extra> d",
    "the<|endoftext|>cat <|im_start|> x<|padding|>", "don't stop 123 4.5 ½", "▁the ▁▁cat", "``quoted'' text",
    "the <extra_id_0> cat<extra_id_5>. <img>the <tool> x", "NEW new nEw <NEW>", "<bos>the cat<eos> <eop> <NOTUSED>",
    "a <user.1>the<user.10> cat" + 400 * " " + "x  ", "ﬁne ① ｆｕｌｌ\u00a0width\u3000space", "\ttabs\tand\r\nlines ", "x[PAD]y <sep>the<cls> en_XX",
]
PAIRS = [("the cat", " on the mat"), ("The<s> Été", "[SEP]cat <new>"), ("a", "")]


# Vocabularies

WORDS = ("the cat sat on mat hello stop naive facade quoted text new tabs and lines x y a b c d 1 2 3 4 5 . , ' ` \" fine "
         "width space full ete zurich").split()
SPECIALS = {
    "word_piece": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>", "<mask>"],
    "byte_pair": ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>", "<|im_start|>", "<|padding|>"],
    "unigram": ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<mask>", "<sep>", "<cls>"],
    "pieces": ["<unk>", "<s>", "</s>", "<pad>", "<bos>", "<eos>", "<mask>"],
}


@functools.cache
def characters():
    return sorted({c for text in [*TEXTS, "éèàüïçÉ"] for c in text} - {" ", "\n", "\t", "\r"})


@functools.cache
def byte_level_words():
    merges, words = [], list(subjects.byte_letters().values())
    for word in ("the", "Ġthe", "Ġcat", "Ġon", "Ġs", "at", "Ġmat", "ne", "ew", "ĠĠ", "He", "ll", "Ġst", "12", "12"):
        for end in range(2, len(word) + 1):
            pair = f"{word[:end - 1]} {word[end - 1:end]}"
            if pair not in merges:
                merges.append(pair)
            if word[:end] not in words:
                words.append(word[:end])
    return words, merges


def word_piece(rng):
    specials = SPECIALS["word_piece"]
    pieces = [*WORDS, "The", "Cat", "Été", *characters(), *(f"##{c}" for c in characters()), "##at", "##he"]
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": subjects.numbered([*specials, *pieces])}


def byte_pair(rng):
    words, merges = byte_level_words()
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
             "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": rng.random() < 0.2,
             "vocab": subjects.numbered([*SPECIALS["byte_pair"], *words]), "merges": merges}
    if rng.random() < 0.3:
        model["merges"] = [merge.split(" ") for merge in merges]
    return model


def unigram(rng):
    pieces = [[piece, 0.0] for piece in SPECIALS["unigram"]]
    seen = {piece for piece, _ in pieces}
    for piece, score in [("▁", -2.0), *((f"▁{word}", -3.0 - number / 7) for number, word in enumerate(WORDS)),
                         *((word, -5.0 - number / 5) for number, word in enumerate(WORDS)),
                         *((c, -9.0) for c in characters())]:
        if piece not in seen:
            pieces.append([piece, score])
            seen.add(piece)
    return {"type": "Unigram", "unk_id": 1, "byte_fallback": False, "vocab": pieces}


def pieces(rng):
    words = [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", *characters()]
    merges = []
    for word in ("▁the", "▁cat", "▁sat", "▁on", "at", "he", "▁▁", "▁▁▁"):
        for end in range(2, len(word) + 1):
            if (pair := f"{word[:end - 1]} {word[end - 1:end]}") not in merges:
                merges.append(pair)
            words.append(word[:end])
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": subjects.numbered([*SPECIALS["pieces"], *words]), "merges": merges}


MODELS = {"word_piece": word_piece, "byte_pair": byte_pair, "unigram": unigram, "pieces": pieces}


@functools.cache
def character_map():
    model = families.protocol.ModelProto.FromString(families.unigram())
    return base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()


# The parts of a tokenizer.json

def flag(rng, likely=0.5):
    return rng.random() < likely


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def normalizer(rng, kind):
    bert = {"type": "BertNormalizer", "clean_text": flag(rng, 0.8), "handle_chinese_chars": flag(rng, 0.8),
            "strip_accents": rng.choice([None, True, False]), "lowercase": flag(rng)}
    precompiled = {"type": "Precompiled", "precompiled_charsmap": character_map()}
    choices = {
        "word_piece": [bert, bert, {"type": "Lowercase"}, None],
        "byte_pair": [None, None, {"type": "NFC"}, {"type": "Lowercase"}],
        "unigram": [precompiled, precompiled, None, {"type": "Sequence", "normalizers": [
            replace("``", '"'), {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}, precompiled]},
            {"type": "Sequence", "normalizers": [precompiled, replace(" {2,}", " ", "Regex")]}],
        "pieces": [None, replace(" ", "▁"), {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]}],
    }
    return rng.choice(choices[kind])


def metaspace(rng):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": rng.choice(["always", "first", "never"]),
            "split": flag(rng)}


def pre_tokenizer(rng, kind):
    byte_level = {"type": "ByteLevel", "add_prefix_space": flag(rng), "trim_offsets": flag(rng), "use_regex": True}
    choices = {
        "word_piece": [{"type": "BertPreTokenizer"}, {"type": "BertPreTokenizer"}, {"type": "Whitespace"}],
        "byte_pair": [byte_level, byte_level, {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True}, byte_level]}],
        "unigram": [metaspace(rng), {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"}, metaspace(rng)]}],
        "pieces": [None, metaspace(rng), {"type": "Split", "pattern": {"String": " "},
                                          "behavior": "MergedWithPrevious", "invert": False}],
    }
    return rng.choice(choices[kind])


def template(first, last, ids):
    def special(token):
        return {"SpecialToken": {"id": token, "type_id": 0}}

    single = [*map(special, first), {"Sequence": {"id": "A", "type_id": 0}}, *map(special, last)]
    return {"type": "TemplateProcessing", "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}, *map(special, last)],
            "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in first + last}}


def post_processor(rng, kind, ids):
    byte_level = {"type": "ByteLevel", "add_prefix_space": flag(rng), "trim_offsets": flag(rng), "use_regex": True}
    choices = {
        "word_piece": lambda: [None, template(["[CLS]"], ["[SEP]"], ids),
                       {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}],
        "byte_pair": lambda: [None, byte_level, byte_level, template(["<s>"], ["</s>"], ids),
                      {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
                       "trim_offsets": flag(rng), "add_prefix_space": flag(rng)}],
        "unigram": lambda: [None, template(["<s>"], ["</s>"], ids), template([], ["</s>"], ids),
                    template(["[CLS]"], ["[SEP]"], ids)],
        "pieces": lambda: [None, template(["<s>"], [], ids), template(["<bos>"], ["<eos>"], ids)],
    }
    return rng.choice(choices[kind]())


def ids_of(model):
    vocab = model["vocab"]
    return vocab if isinstance(vocab, dict) else {piece: number for number, (piece, _) in enumerate(vocab)}


OWN = ["<new>", "<New>", "<extra>", "<img>", "NEW", "cat", "<extra_id_0>", "<eop>"]


def options(rng, content, special):
    return {"content": content, "single_word": flag(rng, 0.1), "lstrip": flag(rng, 0.2), "rstrip": flag(rng, 0.2),
            "normalized": flag(rng, 0.3), "special": special}


def added_tokens(rng, kind, ids):
    listed = [content for content in SPECIALS[kind] if flag(rng, 0.8)] + [
        content for content in OWN if flag(rng, 0.15)]
    number, tokens = len(ids), []
    for content in listed:
        usual = {**options(rng, content, True), "single_word": False, "lstrip": False, "rstrip": False,
                 "normalized": False}
        token = options(rng, content, content in SPECIALS[kind] or flag(rng)) if flag(rng, 0.3) else usual
        if content not in ids:
            number += 1
        tokens.append({"id": ids.get(content, number - 1), **token})
    return sorted(tokens, key=lambda token: token["id"])


# Classes: the kind of their vocabulary, their names, and model types that lead to them

CLASSES = {
    "bert": ("word_piece", ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ElectraTokenizerFast",
                            "MobileBertTokenizer", "ConvBertTokenizer", "SqueezeBertTokenizerFast",
                            "LayoutLMTokenizer"],
             ["bert", "distilbert", "electra", "convbert", "mobilebert"]),
    "mpnet": ("word_piece", ["MPNetTokenizer", "MPNetTokenizerFast"], ["mpnet"]),
    "roberta": ("byte_pair", ["RobertaTokenizer", "RobertaTokenizerFast", "BartTokenizer", "LongformerTokenizerFast"],
                ["roberta", "bart", "longformer", "ibert"]),
    "blenderbot": ("byte_pair", ["BlenderbotTokenizer"], ["blenderbot"]),
    "gpt2": ("byte_pair", ["GPT2Tokenizer", "GPT2TokenizerFast"], ["gpt2", "gpt_neo", "gptj", "opt", "phi"]),
    "gpt_neox": ("byte_pair", ["GPTNeoXTokenizer", "GPTNeoXTokenizerFast"], ["gpt_neox", "mpt", "olmo"]),
    "qwen2": ("byte_pair", ["Qwen2Tokenizer", "Qwen2TokenizerFast", "Qwen3_5Tokenizer"],
              ["qwen2", "qwen3", "qwen3_moe"]),
    "llama": ("pieces", ["LlamaTokenizer", "LlamaTokenizerFast", "Phi3Tokenizer"], ["llama", "mistral", "phi3"]),
    "gemma": ("pieces", ["GemmaTokenizer", "GemmaTokenizerFast"], ["gemma", "gemma2", "gemma3_text"]),
    "t5": ("unigram", ["T5Tokenizer", "T5TokenizerFast"], ["t5", "mt5"]),
    "albert": ("unigram", ["AlbertTokenizer", "AlbertTokenizerFast"], ["albert"]),
    "xlm_roberta": ("unigram", ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast"], ["xlm-roberta"]),
    "camembert": ("unigram", ["CamembertTokenizer", "CamembertTokenizerFast"], ["camembert"]),
    "deberta_v2": ("unigram", ["DebertaV2Tokenizer", "DebertaV2TokenizerFast"], ["deberta-v2"]),
    "xlnet": ("unigram", ["XLNetTokenizer", "XLNetTokenizerFast"], ["xlnet"]),
    "mbart": ("unigram", ["MBartTokenizer", "MBartTokenizerFast"], ["mbart"]),
    "pegasus": ("unigram", ["PegasusTokenizer"], ["pegasus"]),
    "backend": (None, ["PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer", "BloomTokenizerFast",
                       "SomethingOfMyOwn"], ["llama", "modernbert", "bloom", "gpt_bigcode", "mixtral", "unheard_of"]),
}
FLAGS = {"do_lower_case": 0.4, "tokenize_chinese_chars": 0.3, "add_prefix_space": 0.4, "split_special_tokens": 0.1,
         "add_bos_token": 0.2, "add_eos_token": 0.2, "legacy": 0.3, "trim_offsets": 0.2, "keep_accents": 0.2,
         "split_by_punct": 0.2, "clean_up_tokenization_spaces": 0.3, "do_basic_tokenize": 0.1}
NAMES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]


def named_token(rng, content, typed=True):
    if flag(rng, 0.65):
        return content
    return {**({"__type": "AddedToken"} if typed else {}), **options(rng, content, flag(rng))}


def usual_content(rng, name, kind):
    stem = name.removesuffix("_token")
    of_kind = [token for token in SPECIALS[kind] if stem in token.lower()]
    if flag(rng, 0.15):
        return rng.choice(["<new>", f"<{stem}>", f"[{stem.upper()}]", rng.choice(SPECIALS[kind])])
    return rng.choice(of_kind or SPECIALS[kind])


def tokenizer_config(rng, kind, ids, listed):
    config = {key: flag(rng) for key, likely in FLAGS.items() if flag(rng, likely)}
    if flag(rng, 0.3):
        config["strip_accents"] = rng.choice([None, True, False])
    for name in NAMES:
        if flag(rng, 0.35):
            config[name] = named_token(rng, usual_content(rng, name, kind))
        elif flag(rng, 0.02):
            config[name] = None
    if flag(rng, 0.25):
        key = rng.choice(["additional_special_tokens", "extra_special_tokens"])
        config[key] = [named_token(rng, token) for token in rng.sample(OWN, rng.randint(0, 3))]
    if flag(rng, 0.1):
        config["extra_special_tokens"] = {"image_token": "<img>", "tool_token": "<tool>"}
    if flag(rng, 0.1):
        config["image_token"] = named_token(rng, "<img>")
    if flag(rng, 0.05):
        config["additional_special_tokens"] = None
    if flag(rng, 0.3):
        tokens = {token["id"]: token for token in listed if flag(rng, 0.9)}
        for content in rng.sample(OWN, rng.randint(0, 2)):
            tokens[ids.get(content, len(ids) + len(tokens) + rng.randint(0, 3))] = options(rng, content, flag(rng))
        for token in tokens.values():
            if flag(rng, 0.1):
                token = options(rng, token["content"], flag(rng))
        config["added_tokens_decoder"] = {
            str(number): {key: value for key, value in token.items() if key != "id"} for number, token in tokens.items()}
    if flag(rng, 0.1):
        config["extra_ids"] = rng.choice([0, 2, 100])
    config.update(model_max_length=512, **({"chat_template": "{{ x }}"} if flag(rng, 0.2) else {}))
    keys = list(config)
    rng.shuffle(keys)
    return {key: config[key] for key in keys}


def special_tokens_map(rng, kind):
    content = {name: named_token(rng, usual_content(rng, name, kind), typed=False)
               for name in NAMES if flag(rng, 0.4)}
    if flag(rng, 0.2):
        content["additional_special_tokens"] = rng.sample(OWN, rng.randint(1, 3))
    return content


def make(seed, directory):
    """Writes the files of one seed; the name of the class that it had in mind."""
    rng = random.Random(seed)
    family = rng.choice(list(CLASSES))
    kind, names, model_types = CLASSES[family]
    kind = kind or rng.choice(list(MODELS))
    model = MODELS[kind](rng)
    ids = ids_of(model)
    listed = added_tokens(rng, kind, ids)
    config = tokenizer_config(rng, kind, ids, listed)
    by_class, by_type = rng.choice([(True, True), (True, True), (True, False), (False, True)])
    if by_class:
        config["tokenizer_class"] = rng.choice(names)
    older_files = kind in ("word_piece", "byte_pair") and config.get("tokenizer_class") != "Qwen3_5Tokenizer"
    if family != "backend" and older_files and flag(rng, 0.1):
        write_vocabulary(directory, model)
    else:
        write_tokenizer(rng, directory, kind, model, ids, listed)
    if flag(rng, 0.95):
        subjects.write_json(directory / "tokenizer_config.json", config)
    elif not (directory / "tokenizer.json").exists():
        by_type = True
    write_other_files(rng, directory, kind, ids, by_class, by_type, names, model_types)
    return family


def write_vocabulary(directory, model):
    """What there was before tokenizer.json."""
    if model["type"] == "WordPiece":
        subjects.write_vocabulary(directory, model["vocab"])
        return
    subjects.write_json(directory / "vocab.json", model["vocab"])
    lines = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    (directory / "merges.txt").write_text("".join(f"{line}\n" for line in ["#version: 0.2", *lines]), encoding="utf8")


def write_tokenizer(rng, directory, kind, model, ids, listed):
    subjects.write_json(directory / "tokenizer.json", {
        "version": "1.0", "truncation": None,
        "padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": rng.choice(SPECIALS[kind])} if flag(rng, 0.15) else None,
        "added_tokens": listed, "normalizer": normalizer(rng, kind), "pre_tokenizer": pre_tokenizer(rng, kind),
        "post_processor": post_processor(rng, kind, ids), "decoder": None, "model": model})


def write_other_files(rng, directory, kind, ids, by_class, by_type, names, model_types):
    if by_type:
        named = {"tokenizer_class": rng.choice(names)} if not by_class and flag(rng, 0.3) else {}
        of_another = rng.choice([types for _, _, types in CLASSES.values()])
        subjects.write_json(directory / "config.json", {
            "model_type": rng.choice(of_another if by_class and flag(rng, 0.1) else model_types), **named})
    if flag(rng, 0.3):
        subjects.write_json(directory / "special_tokens_map.json", special_tokens_map(rng, kind))
    if flag(rng, 0.1):
        subjects.write_json(directory / "added_tokens.json", {
            content: len(ids) + 40 + number for number, content in enumerate(rng.sample(OWN, rng.randint(1, 3)))})


# Both sides

def reference_of(directory):
    from transformers import AutoTokenizer
    logging.disable(logging.WARNING)
    return AutoTokenizer.from_pretrained(directory)


def expected_columns(tokenizer):
    encodings = [*tokenizer(TEXTS).encodings,
                 *tokenizer([first for first, _ in PAIRS], [second for _, second in PAIRS]).encodings]
    return comparison.reference_columns(encodings)


def refusal_of(directory):
    run = subprocess.run([PROGRAM, directory], input=b"", capture_output=True)
    return run.stderr.decode() if run.returncode else None


def compared(directory):
    """("equal", ""), ("refused", message), ("reference", error) or ("different", what)."""
    try:
        expected = expected_columns(reference_of(directory))
    except Exception as error:  # noqa: BLE001: what transformers does not load may end in any
        return "reference", f"{type(error).__name__}: {error}"
    if message := refusal_of(directory):
        return "refused", message.splitlines()[0].replace(f"{directory}/", "")
    program = comparison.Program(PROGRAM, directory)
    records = [*TEXTS, *PAIRS]
    program.ask(records, comparison.Settings())
    try:
        actual = program.answer(records)
    except RuntimeError as error:
        return "different", str(error)
    for record, one, other in zip(records, comparison.split_records(expected), comparison.split_records(actual)):
        if one != other:
            return "different", str(comparison.Difference(record, comparison.Settings(), one, other))
    return "equal", ""


def seeds():
    wanted = os.environ.get("ATTNVIZ_SEEDS")
    return range(*map(int, wanted.split(":"))) if wanted else SAMPLE


ENTRY = re.compile(r"\w+\.(json|txt|model): .*\w")


def test_random_configurations_give_what_the_reference_gives(tmp_path):
    outcomes, different, unnamed, refused = collections.Counter(), [], [], collections.Counter()
    for seed in seeds():
        directory = tmp_path / f"seed-{seed}"
        directory.mkdir()
        family = make(seed, directory)
        outcome, words = compared(directory)
        outcomes[outcome] += 1
        if outcome == "different":
            different.append(f"seed {seed} ({family}):\n{words}")
        elif outcome == "refused":
            refused[re.sub(r'"[^"]*"', '".."', words)] += 1
            if not ENTRY.search(words):
                unnamed.append(words)
        elif outcome == "reference":
            refused[f"by the reference: {words[:100]}"] += 1
        for path in directory.iterdir():
            path.unlink()
    report = "\n".join([str(dict(outcomes)), *(f"{count} {words}" for words, count in refused.most_common(40))])
    print(report)
    assert not different, f"{len(different)} differ\n" + "\n".join(different[:8]) + "\n" + report
    assert not unnamed, unnamed
    taken = outcomes["equal"] + outcomes["refused"]
    assert outcomes["refused"] <= MOST_REFUSED * taken, report
    assert taken > 0.8 * len(seeds()), report


# Directories as they are on the hub, with small vocabularies

BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
        "lowercase": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
PLAIN_BYTES = {**BYTES, "use_regex": False}
SPACES = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
SPACED_WORDS = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, SPACES]}


def token(content, **options):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **options}


def typed(content, **options):
    listed = token(content, **options)
    del listed["special"]
    return {"__type": "AddedToken", **listed}


def decoder(model, *tokens):
    ids, number, entries = ids_of(model), len(ids_of(model)), {}
    for each in tokens:
        number += each["content"] not in ids
        entries[str(ids.get(each["content"], number - 1))] = each
    return entries


def roberta_end(sep="</s>", cls="<s>"):
    return {"type": "RobertaProcessing", "sep": [sep, 2], "cls": [cls, 0], "trim_offsets": True,
            "add_prefix_space": False}


def of_hub(kind, model_type, settings, tokens, normalizer=None, pre_tokenizer=None, end=None, others=None):
    """`tokens`: of tokenizer.json; `settings` of the model; `end`: first and last, or a post-processor of ids."""
    def write(directory):
        model = MODELS[kind](random.Random(4))
        if kind == "byte_pair":
            model["ignore_merges"] = model_type == "llama"
        ids = ids_of(model)
        listed = [{"id": int(number), **each} for number, each in decoder(model, *tokens).items()]
        ids = {**ids, **{each["content"]: each["id"] for each in listed}}
        subjects.write_json(directory / "tokenizer.json", {
            "version": "1.0", "truncation": {"direction": "Right", "max_length": 128, "strategy": "LongestFirst",
                                             "stride": 0},
            "padding": None, "added_tokens": sorted(listed, key=lambda each: each["id"]), "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": template(*end, ids) if isinstance(end, tuple) else end, "decoder": None, "model": model})
        filled = settings(model) if callable(settings) else settings
        subjects.write_json(directory / "tokenizer_config.json", filled)
        subjects.write_json(directory / "config.json", {"model_type": model_type})
        if others:
            subjects.write_json(directory / "special_tokens_map.json", others)
    return write


BERT_TOKENS = [token(content) for content in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
LLAMA_NAMES = {"bos_token": typed("<s>"), "eos_token": typed("</s>"), "unk_token": typed("<unk>")}
LLAMA_TOKENS = [token("<unk>"), token("<s>"), token("</s>")]
QWEN_TOKENS = [token("<|endoftext|>"), token("<|im_start|>"), token("<|im_end|>"), token("<tool_call>", special=False)]
LLAMA3_TOKENS = [token("<|begin_of_text|>"), token("<|end_of_text|>"), token("<|eot_id|>")]
SENTENCES = [token("<s>"), token("<pad>"), token("</s>"), token("<unk>")]
GAPS = [f"<extra_id_{number}>" for number in range(100)]
HUB = {
    "bert-base-uncased": of_hub("word_piece", "bert", {"do_lower_case": True, "model_max_length": 512}, BERT_TOKENS, BERT,
                                {"type": "BertPreTokenizer"}, (["[CLS]"], ["[SEP]"])),
    "bert-base-cased": of_hub("word_piece", "bert", {"do_lower_case": False, "model_max_length": 512}, BERT_TOKENS,
                              {**BERT, "lowercase": False}, {"type": "BertPreTokenizer"}, (["[CLS]"], ["[SEP]"])),
    "distilbert": of_hub("word_piece", "distilbert", {"do_lower_case": True, "model_max_length": 512}, BERT_TOKENS, BERT,
                         {"type": "BertPreTokenizer"}, (["[CLS]"], ["[SEP]"])),
    "all-MiniLM": of_hub(
        "word_piece", "bert",
        {"do_lower_case": True, "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
         "mask_token": "[MASK]", "tokenize_chinese_chars": True, "strip_accents": None, "do_basic_tokenize": True,
         "never_split": None, "tokenizer_class": "BertTokenizer", "model_max_length": 512}, BERT_TOKENS, BERT,
        {"type": "BertPreTokenizer"}, (["[CLS]"], ["[SEP]"]),
        {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}),
    "all-mpnet": of_hub(
        "word_piece", "mpnet",
        {"do_lower_case": True, "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
         "unk_token": "[UNK]", "pad_token": "<pad>", "mask_token": "<mask>", "tokenize_chinese_chars": True,
         "strip_accents": None, "tokenizer_class": "MPNetTokenizer"},
        [*SENTENCES[:3], token("[UNK]"), token("<mask>", lstrip=True)], BERT, {"type": "BertPreTokenizer"},
        {**roberta_end(), "sep": ["</s>", 6], "cls": ["<s>", 5]}),
    "gpt2": of_hub("byte_pair", "gpt2", {"model_max_length": 1024}, [token("<|endoftext|>", normalized=True)], None, BYTES,
                   {**BYTES, "add_prefix_space": True, "trim_offsets": False}),
    "roberta-base": of_hub("byte_pair", "roberta", {"model_max_length": 512},
                           [*(token(each["content"], normalized=True) for each in SENTENCES), token("<mask>", lstrip=True)],
                           None, BYTES, roberta_end()),
    "llama-2": of_hub(
        "pieces", "llama", {**LLAMA_NAMES, "add_bos_token": True, "add_eos_token": False, "legacy": False,
                            "pad_token": None, "sp_model_kwargs": {}, "tokenizer_class": "LlamaTokenizer",
                            "clean_up_tokenization_spaces": False}, LLAMA_TOKENS,
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]}, None,
        (["<s>"], []), {"bos_token": {key: value for key, value in token("<s>").items() if key != "special"}}),
    "mistral": of_hub(
        "pieces", "mistral",
        lambda model: {"add_bos_token": True, "add_eos_token": False, "added_tokens_decoder": decoder(model, *LLAMA_TOKENS),
                       "additional_special_tokens": [], "bos_token": "<s>", "eos_token": "</s>", "legacy": True,
                       "pad_token": None, "tokenizer_class": "LlamaTokenizer", "unk_token": "<unk>"}, LLAMA_TOKENS,
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace(" ", "▁")]}, None,
        (["<s>"], [])),
    "llama-3": of_hub(
        "byte_pair", "llama",
        lambda model: {"added_tokens_decoder": decoder(model, *LLAMA3_TOKENS), "bos_token": "<|begin_of_text|>",
                       "eos_token": "<|eot_id|>", "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": "{{ x }}",
                       "model_input_names": ["input_ids", "attention_mask"]}, LLAMA3_TOKENS, None,
        {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": families.steps.LLAMA3},
                                                "behavior": "Isolated", "invert": False}, PLAIN_BYTES]},
        (["<|begin_of_text|>"], [])),
    "qwen2": of_hub(
        "byte_pair", "qwen2",
        lambda model: {"add_prefix_space": False, "added_tokens_decoder": decoder(model, *QWEN_TOKENS[:3]),
                       "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None,
                       "eos_token": "<|im_end|>", "errors": "replace", "pad_token": "<|endoftext|>",
                       "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None},
        QWEN_TOKENS[:3], {"type": "NFC"},
        {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": families.steps.QWEN2},
                                                "behavior": "Isolated", "invert": False}, PLAIN_BYTES]},
        {**BYTES, "trim_offsets": False}),
    "qwen3": of_hub(
        "byte_pair", "qwen3",
        lambda model: {"add_bos_token": False, "add_prefix_space": False,
                       "added_tokens_decoder": decoder(model, *QWEN_TOKENS),
                       "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None,
                       "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer",
                       "split_special_tokens": False, "unk_token": None},
        QWEN_TOKENS, {"type": "NFC"},
        {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": families.steps.QWEN2},
                                                "behavior": "Isolated", "invert": False}, PLAIN_BYTES]},
        {**BYTES, "trim_offsets": False}),
    "gemma": of_hub(
        "pieces", "gemma",
        lambda model: {"add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>",
                       "pad_token": "<pad>", "unk_token": "<unk>", "tokenizer_class": "GemmaTokenizer",
                       "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"], "legacy": None,
                       "added_tokens_decoder": decoder(model, token("<unk>"), token("<pad>"), token("<bos>"), token("<eos>"),
                                                       token("<start_of_turn>"), token("<end_of_turn>"))},
        [token("<unk>"), token("<pad>"), token("<bos>"), token("<eos>"), token("<start_of_turn>"), token("<end_of_turn>")],
        replace(" ", "▁"), {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        (["<bos>"], [])),
    "pythia": of_hub(
        "byte_pair", "gpt_neox",
        {"add_prefix_space": False, "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
         "tokenizer_class": "GPTNeoXTokenizer", "unk_token": "<|endoftext|>"},
        [token("<|endoftext|>"), token("<|padding|>"), token("  ", special=False, normalized=True)], {"type": "NFC"}, BYTES,
        BYTES),
    "t5-small": of_hub(
        "unigram", "t5",
        {"eos_token": "</s>", "extra_ids": 100, "pad_token": "<pad>", "unk_token": "<unk>",
         "additional_special_tokens": GAPS, "model_max_length": 512, "tokenizer_class": "T5Tokenizer"},
        [token("<pad>"), token("</s>"), token("<unk>"), *map(token, GAPS)], None, SPACED_WORDS, ([], ["</s>"])),
    "xlm-roberta": of_hub("unigram", "xlm-roberta", {"model_max_length": 512}, [*SENTENCES, token("<mask>", lstrip=True)],
                          None, SPACED_WORDS, (["<s>"], ["</s>"])),
    "albert": of_hub("unigram", "albert", {"model_max_length": 512},
                     [token("<pad>"), token("<unk>"), token("[CLS]"), token("[SEP]"), token("[MASK]", lstrip=True)],
                     {"type": "Sequence", "normalizers": [replace("``", '"'), replace("''", '"'), {"type": "NFKD"},
                                                          {"type": "StripAccents"}, {"type": "Lowercase"}]},
                     SPACED_WORDS, (["[CLS]"], ["[SEP]"])),
    "camembert": of_hub("unigram", "camembert", {"model_max_length": 512}, [*SENTENCES, token("<mask>", lstrip=True)], None,
                        SPACED_WORDS, (["<s>"], ["</s>"])),
    "bart": of_hub("byte_pair", "bart", {"model_max_length": 1024}, [*SENTENCES, token("<mask>", lstrip=True)], None, BYTES,
                   roberta_end()),
    "opt": of_hub("byte_pair", "opt",
                  {"errors": "replace", "unk_token": typed("</s>", normalized=True), "add_prefix_space": False,
                   "bos_token": typed("</s>", normalized=True), "eos_token": typed("</s>", normalized=True),
                   "pad_token": typed("<pad>", normalized=True), "add_bos_token": True, "tokenizer_class": "GPT2Tokenizer"},
                  [token("</s>", normalized=True), token("<pad>", normalized=True)], None, BYTES, (["</s>"], [])),
}


@pytest.mark.parametrize("name", HUB)
def test_files_of_the_hub_are_read_like_the_reference_reads_them(name, tmp_path):
    """And what transformers saves of them."""
    HUB[name](tmp_path)
    assert compared(tmp_path) == ("equal", "")
    saved = tmp_path / "saved"
    reference_of(tmp_path).save_pretrained(saved)
    assert compared(saved) == ("equal", "")
    (saved / "config.json").write_bytes((tmp_path / "config.json").read_bytes())
    assert compared(saved) == ("equal", "")


def bare_model(directory, settings, **normalizer):
    """A .model file without a class; its normalizer's settings are sentencepiece's own."""
    specials = [*families.FAIRSEQ, ("<user.1>", families.USER_DEFINED), ("<user.10>", families.USER_DEFINED)]
    model = families.protocol.ModelProto.FromString(families.with_specials(families.byte_pairs(), specials))
    for name, value in normalizer.items():
        setattr(model.normalizer_spec, name, value)
    families.write(directory, "tokenizer.model", model.SerializeToString(), {"model_type": "llama"}, settings)


@pytest.mark.parametrize("settings", [{}, {"legacy": False}, {"legacy": True, "additional_special_tokens": ["<new>"]}, {
    "added_tokens_decoder": {"3": token("<renamed>"), "4": token("<new>", normalized=True)}}])
@pytest.mark.parametrize("spaces", ["remove_extra_whitespaces", "add_dummy_prefix", "escape_whitespaces", None])
def test_bare_models_follow_sentencepiece_as_the_reference_does(settings, spaces, tmp_path):
    usual = dict.fromkeys(["remove_extra_whitespaces", "add_dummy_prefix", "escape_whitespaces"], True)
    bare_model(tmp_path, settings, **{**usual, **({spaces: False} if spaces else {})})
    assert compared(tmp_path) == ("equal", "")


@pytest.mark.parametrize("name", ["llama without class", "mistral"])
def test_what_transformers_makes_of_a_bare_model_is_read(name, tmp_path):
    """Its patterns have anchors."""
    families.as_tokenizer_json(families.MAKERS[name])(tmp_path)
    (tmp_path / "tokenizer.model").unlink()
    assert "\\\\A" in (tmp_path / "tokenizer.json").read_text(encoding="utf8")
    assert compared(tmp_path) == ("equal", "")


def test_classes_are_those_of_the_reference():
    """src/tokens/tokenizer_classes.inc is what scripts/tokenizer_classes.py writes."""
    script = TESTS.parent / "scripts" / "tokenizer_classes.py"
    namespace = {"__file__": str(script), "__name__": "tokenizer_classes"}
    exec(compile(script.read_text(encoding="utf8"), str(script), "exec"), namespace)
    assert namespace["OUTPUT"].read_text(encoding="utf8") == namespace["table"]()
