"""Marian's tokenizer, both sides of it, beside transformers' (MarianTokenizer, on the sentencepiece library). It
gives no offsets: attnviz's have to be in order, inside the text, and cover what they name."""
import itertools
import json
import os
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(TESTS))

from sweep import comparison, families, inputs  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TESTS.parent / "build" / "release"))
FRACTION = float(os.environ.get("ATTNVIZ_FRACTION", "0.02"))
CODES = [">>de<<", ">>fr<<"]
ALPHABET = "a Ab\u00a0 \t\u2581\u2581é\u0301\u1ebf\ufb01\u00a8\u3000\uff21½日本\ud55c한\u200b\u00ad😀.,<>&"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    from sentencepiece import sentencepiece_model_pb2 as protocol
    folder = tmp_path_factory.mktemp("marian")
    contents = {"source.spm": families.unigram("nmt_nfkc"), "target.spm": families.unigram("nmt_nfkc_cf")}
    pieces = {}
    for file, content in contents.items():
        (folder / file).write_bytes(content)
        pieces |= {piece.piece: None for piece in protocol.ModelProto.FromString(content).pieces}
    # As of a real one: some pieces are missing, some entries are of no piece.
    words = ["</s>", "<unk>", *(piece for i, piece in enumerate(pieces) if i % 50 and piece[0] != "<"), *CODES,
             "\u2581\U0001f600\u65e5", "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(dict.fromkeys(words))}))
    (folder / "config.json").write_text(json.dumps({"model_type": "marian"}))
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "de"}))
    return folder


def texts():
    def some(texts, count):
        return itertools.islice(texts, max(100, int(count * FRACTION)))
    yield from inputs.sentences()
    yield from inputs.altered_sentences(max(100, int(20_000 * FRACTION)))
    yield from inputs.random_texts("marian", ALPHABET, max(1000, int(400_000 * FRACTION)), 40)
    yield from inputs.random_scalars(max(100, int(100_000 * FRACTION)), 30)
    yield from inputs.scalars_in_runs(FRACTION)
    for content in ("</s>", "<unk>", "<pad>", *CODES, ">>xx<<", ">>", "<<", ">><<"):
        for pattern in ("{}", "{} a", "{}a", "a {} b", "a{}", "{0}{0} b", " {} The bank", "</s>{} The"):
            yield pattern.format(content)
    books = " ".join(itertools.islice(inputs.sentences(), 400))
    yield from (books[:size] for size in (3000, 30_000))


@pytest.mark.parametrize("side", ("source", "target"))
def test_ids_and_pieces_are_the_references(directory, side):
    from transformers import MarianTokenizer
    reference = MarianTokenizer.from_pretrained(directory)
    program = comparison.Program(BUILD / "tokens_sweep", directory, *(["target"] if side == "target" else []))
    count = differences = 0
    for batch in comparison.in_batches(texts()):
        program.ask(batch, comparison.Settings())
        columns = program.answer(batch)
        expected = reference(text_target=batch)["input_ids"] if side == "target" else reference(batch)["input_ids"]
        ends = columns["counts"].cumsum()
        offsets = columns["offsets"].reshape(-1, 2).astype(int)
        for text, ids, end, size in zip(batch, expected, ends, columns["counts"]):
            part = slice(end - size, end)
            spans = offsets[part][columns["sequence"][part] == 0]
            assert (spans[:, 0] < spans[:, 1]).all() and (spans <= len(text)).all(), ascii(text)
            assert (spans[1:, 0] >= spans[:-1, 0]).all(), ascii(text)
            count += 1
            if list(columns["ids"][part]) != ids:
                differences += 1
                print(ascii(text), ids, list(columns["ids"][part]))
    assert count > 10_000
    assert differences == 0


def test_pairs_are_one_text_behind_the_other(directory):
    from transformers import MarianTokenizer
    reference = MarianTokenizer.from_pretrained(directory)
    pairs = [("The bank can refuse.", "A river bank."), (">>de<< The", ">>fr<< a"), ("a", " ")]
    program = comparison.Program(BUILD / "tokens_sweep", directory)
    program.ask(pairs, comparison.Settings())
    expected = reference([a for a, _ in pairs], [b for _, b in pairs])["input_ids"]
    assert list(program.answer(pairs)["ids"]) == [i for ids in expected for i in ids]
