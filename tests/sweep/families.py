"""Tokenizers of current families: those of sentencepiece, as bare .model files and as the tokenizer.json that
transformers makes of each, and byte-level ones with patterns of their own.

The models of sentencepiece are trained here; a family's own file has the pieces of one of them behind the special
ones that it expects. The byte-level ones have GPT-2's vocabulary.
"""
import functools
import json
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as protocol

from . import inputs, steps, subjects

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


@functools.cache
def trained(**options):
    with tempfile.TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(inputs.sentences()), model_prefix=f"{folder}/model", minloglevel=2,
            hard_vocab_limit=False, **options)
        with open(f"{folder}/model.model", "rb") as file:
            return file.read()


def unigram(rule="nmt_nfkc"):
    return trained(model_type="unigram", vocab_size=4000, num_sub_iterations=1, character_coverage=0.999,
                   normalization_rule_name=rule)


def byte_pairs():
    return trained(model_type="bpe", vocab_size=4000, byte_fallback=True, normalization_rule_name="identity",
                   split_digits=True, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
                   character_coverage=0.999)


def with_specials(content, specials, **spec):
    """The model with these pieces, (text, type) each, in place of its own special ones."""
    model = protocol.ModelProto.FromString(content)
    kept = [piece for piece in model.pieces if piece.type not in (UNKNOWN, CONTROL, USER_DEFINED)]
    del model.pieces[:]
    for text, kind in specials:
        model.pieces.add(piece=text, score=0, type=kind)
    model.pieces.extend(kept)
    for name, value in spec.items():
        setattr(model.trainer_spec, name, value)
    return model.SerializeToString()


def write(directory, file, content, config, settings=None):
    (directory / file).write_bytes(content)
    (directory / "config.json").write_text(json.dumps(config))
    if settings is not None:
        (directory / "tokenizer_config.json").write_text(json.dumps(settings))


def as_tokenizer_json(make):
    """What transformers makes of the files, written by tokenizers."""
    def made(directory):
        from transformers import AutoTokenizer
        make(directory)
        AutoTokenizer.from_pretrained(directory).backend_tokenizer.save(str(directory / "tokenizer.json"))
    return made


ALBERT = [("<pad>", CONTROL), ("<unk>", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", USER_DEFINED)]
DEBERTA = [("[PAD]", CONTROL), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[UNK]", UNKNOWN)]
FAIRSEQ = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
GEMMA = [("<pad>", CONTROL), ("<eos>", CONTROL), ("<bos>", CONTROL), ("<unk>", UNKNOWN),
         ("<mask>", USER_DEFINED), ("[multimodal]", USER_DEFINED)]
T5 = [("<pad>", CONTROL), ("</s>", CONTROL), ("<unk>", UNKNOWN)]
XLNET = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL), ("<cls>", CONTROL), ("<sep>", CONTROL),
         ("<pad>", CONTROL), ("<mask>", CONTROL), ("<eod>", CONTROL), ("<eop>", CONTROL)]


def of_unigram(file, model_type, specials, rule="nmt_nfkc", settings=None, **spec):
    def make(directory):
        write(directory, file, with_specials(unigram(rule), specials, **spec), {"model_type": model_type}, settings)
    return make


def of_byte_pairs(model_type, specials, settings=None, **spec):
    def make(directory):
        write(directory, "tokenizer.model", with_specials(byte_pairs(), specials, **spec),
              {"model_type": model_type} if model_type else {}, settings)
    return make


LLAMA = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>",
         "unk_token": "<unk>"}

MAKERS = {
    "albert": of_unigram("spiece.model", "albert", ALBERT, unk_id=1),
    "albert cased": of_unigram("spiece.model", "albert", ALBERT, unk_id=1,
                               settings={"do_lower_case": False, "keep_accents": True, "add_prefix_space": False}),
    "camembert": of_unigram("sentencepiece.bpe.model", "camembert", FAIRSEQ),
    "deberta-v2": of_unigram("spm.model", "deberta-v2", DEBERTA, rule="identity", unk_id=3),
    "deberta-v2 lowercase": of_unigram("spm.model", "deberta-v2", DEBERTA, unk_id=3,
                                       settings={"do_lower_case": True, "split_by_punct": True}),
    "gemma": of_byte_pairs("gemma", GEMMA, unk_id=3, bos_id=2, eos_id=1, pad_id=0),
    "llama": of_byte_pairs("llama", FAIRSEQ, settings=LLAMA),
    "llama legacy": of_byte_pairs("llama", FAIRSEQ, settings={**LLAMA, "legacy": True, "add_eos_token": True}),
    "llama without class": of_byte_pairs("llama", FAIRSEQ),
    "mistral": of_byte_pairs("mistral", FAIRSEQ, settings=LLAMA),
    "t5": of_unigram("spiece.model", "t5", T5, unk_id=2),
    "t5 of ten gaps": of_unigram("spiece.model", "t5", T5, unk_id=2,
                                 settings={"tokenizer_class": "T5Tokenizer", "extra_ids": 10}),
    "mt5": of_unigram("spiece.model", "mt5", T5, unk_id=2, settings={
        "tokenizer_class": "T5Tokenizer", "extra_ids": 0, "additional_special_tokens": None}),
    "xlm-roberta": of_unigram("sentencepiece.bpe.model", "xlm-roberta", FAIRSEQ),
    "xlnet": of_unigram("spiece.model", "xlnet", XLNET),
    "xlnet lowercase": of_unigram("spiece.model", "xlnet", XLNET, rule="nmt_nfkc_cf",
                                  settings={"do_lower_case": True}),
}


def listed(content, **options):
    return {"content": content, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False,
            "special": True, **options}


# As earlier versions of transformers saved them.
LISTED = {
    "t5": {"added_tokens_decoder": {
        "2": listed("<unk>"),
        **{str(4000 + i): listed(f"<extra_id_{99 - i}>", lstrip=True, rstrip=True) for i in range(100)}},
        "additional_special_tokens": [f"<extra_id_{i}>" for i in range(100)]},
    "xlnet": {"added_tokens_decoder": {
        "1": listed("<s>", rstrip=True), "6": listed("<mask>", lstrip=True),
        "4006": listed("<new>", special=False, normalized=True)}, "mask_token": "<mask>"},
    "llama": {**LLAMA, "legacy": None, "pad_token": "<pad>", "added_tokens_decoder": {
        "0": listed("<unk>", normalized=True), "4000": listed("<pad>")}},
}


def with_listed_tokens(family):
    def make(directory):
        MAKERS[family](directory)
        (directory / "tokenizer_config.json").write_text(json.dumps(LISTED[family]))
    return make


def revealing_unigram(directory):
    """Every character that can be told apart is a piece, behind XLM-RoBERTa's normalizer."""
    make = MAKERS["xlm-roberta"]
    as_tokenizer_json(make)(directory)
    content = json.loads((directory / "tokenizer.json").read_text(encoding="utf8"))
    characters = [chr(point) for point in range(0x32400) if not 0xD800 <= point <= 0xDFFF]
    specials = content["model"]["vocab"][:4]
    content["model"]["vocab"] = [*specials, *([character, -9.5] for character in characters)]
    content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] < 4]
    subjects.write_json(directory / "tokenizer.json", content)


def byte_level(specials, split=None, template=None, normalizer=None, **model):
    def make(directory):
        words = subjects.gpt2_words()
        listed = [{"id": len(words) + number, **subjects.token_flags(token, special=True)}
                  for number, token in enumerate(specials)]
        post_processor = steps.BYTES
        if template:
            first, last = template
            single = [*[{"SpecialToken": {"id": token, "type_id": 0}} for token in first],
                      {"Sequence": {"id": "A", "type_id": 0}},
                      *[{"SpecialToken": {"id": token, "type_id": 0}} for token in last]]
            filled = {
                "type": "TemplateProcessing", "single": single,
                "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {token["content"]: {"id": token["content"], "ids": [token["id"]],
                                                      "tokens": [token["content"]]} for token in listed}}
            post_processor = {"type": "Sequence", "processors": [steps.BYTES, filled]}
        content = subjects.byte_level(words, subjects.gpt2_merges(), listed, post_processor)
        content["normalizer"] = normalizer
        if split:
            content["pre_tokenizer"] = steps.sequence(steps.split(Regex=split), steps.BYTES)
        content["model"].update(type="BPE", **model)
        subjects.write_json(directory / "tokenizer.json", content)
    return make


BYTE_LEVEL = {
    "llama-3": byte_level(["<|begin_of_text|>", "<|end_of_text|>"], steps.LLAMA3, (["<|begin_of_text|>"], []),
                          ignore_merges=True),
    "modernbert": byte_level(["[CLS]", "[SEP]", "[MASK]"], None, (["[CLS]"], ["[SEP]"]), {"type": "NFC"}),
    "qwen2": byte_level(["<|endoftext|>", "<|im_start|>"], steps.QWEN2,
                        normalizer={"type": "NFC"}),
}


def make_subjects(folder, files_only=False):
    """Writes the directories into `folder`; `files_only`: not what transformers makes of .model files."""
    makers = {f"families/{name}": make for name, make in {**MAKERS, **BYTE_LEVEL}.items()}
    if not files_only:
        makers.update({f"families/{name}/tokenizer.json": as_tokenizer_json(make) for name, make in MAKERS.items()})
        makers.update({f"families/{name} with listed tokens": with_listed_tokens(name) for name in LISTED})
        makers["families/revealing xlm-roberta"] = revealing_unigram
    made = []
    for number, (name, make) in enumerate(makers.items()):
        directory = folder / f"family-{number}"
        directory.mkdir()
        make(directory)
        made.append(subjects.Subject(name, directory, every_scalar="revealing" in name))
    return made
