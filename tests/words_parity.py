"""Words beside Hugging Face's tokenizers, and what must hold for every text: groups in order, nothing lost."""
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest
from tokenizers import Tokenizer

TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "words_dump"
sys.path.insert(0, str(TESTS))

from sweep import inputs  # noqa: E402

SPECIAL = ["[MASK]", "[SEP]", "<|endoftext|>"]


def records():
    """A few thousand texts and pairs of every script, real, altered and random."""
    yield from ((text,) for text in inputs.EDGE_CASES)
    yield from ((text,) for text in inputs.some(0.2, "words", inputs.sentences()))
    yield from ((text,) for text in inputs.altered_sentences(1000))
    yield from ((text,) for text in inputs.random_scalars(500, 30))
    yield from ((text,) for text in inputs.random_texts("words", inputs.interesting(), 1000, 20, ("", " ")))
    yield from ((text,) for text in inputs.some(0.2, "words", inputs.apostrophes()))
    yield from ((text,) for text in inputs.some(0.1, "words", inputs.around_added_tokens(SPECIAL)))
    yield from inputs.sentence_pairs("words", 500)


RECORDS = list(dict.fromkeys(records()))


def ask(*models):
    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    done = subprocess.run([TOOL, *(ROOT / "models" / model for model in models)], input=lines, check=True,
                          capture_output=True, text=True, encoding="utf8")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(RECORDS) > 5000
    return answers


def reference(model):
    tokenizer = Tokenizer.from_file(str(ROOT / "models" / model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encodings = tokenizer.encode_batch([record if len(record) == 2 else record[0] for record in RECORDS])
    # Plain lists: an Encoding makes its own anew whenever it is asked for them.
    names = ("ids", "tokens", "offsets", "sequence_ids", "word_ids", "special_tokens_mask")
    return [types.SimpleNamespace(**{name: getattr(encoding, name) for name in names}) for encoding in encodings]


@pytest.fixture(scope="module", params=["minilm", "gpt2-demo"])
def words(request):
    return request.param, list(zip(RECORDS, reference(request.param), ask(request.param)))


def span(record, encoding, group):
    """The place in its text of what the tokens cover, without white space at its ends."""
    first, count = group
    text = record[encoding.sequence_ids[first] or 0]
    places = [place for begin, end in encoding.offsets[first:first + count]
              for place in range(begin, end) if not text[place].isspace()]
    return (min(places), max(places) + 1) if places else (0, 0)


def test_groups_hold_every_token_in_order(words):
    for record, encoding, answer in words[1]:
        end = 0
        for first, count in answer["words"]:
            assert first == end and count > 0, record
            end = first + count
        assert end == len(encoding.ids)


def test_special_tokens_stand_alone_and_no_word_is_of_two_texts(words):
    for record, encoding, answer in words[1]:
        assert answer["special"] == encoding.special_tokens_mask
        for first, count in answer["words"]:
            members = range(first, first + count)
            assert count == 1 or not any(answer["special"][i] or answer["typed"][i] for i in members), record
            assert len({encoding.sequence_ids[i] for i in members}) == 1, record


def test_typed_tokens_are_the_special_ones_that_the_text_spells(words):
    contents = [token.content for token in
                Tokenizer.from_file(str(ROOT / "models" / words[0] / "tokenizer.json"))
                .get_added_tokens_decoder().values() if token.special]
    for record, encoding, answer in words[1]:
        for token, (begin, end), sequence, typed in zip(encoding.tokens, encoding.offsets, encoding.sequence_ids,
                                                        answer["typed"]):
            spelled = sequence is not None and token in contents and record[sequence][begin:end] == token
            assert spelled == bool(typed), (record, token)


def test_words_hold_no_white_space_that_parts_two_tokens(words):
    for record, encoding, answer in words[1]:
        for first, count in answer["words"]:
            begin, end = span(record, encoding, (first, count))
            text = record[encoding.sequence_ids[first] or 0]
            inside = {place for i in range(first, first + count) for place in range(*encoding.offsets[i])}
            for place in range(begin, end):
                if not text[place].isspace() or place in inside:
                    continue
                # BERT removes these where Unicode says white space, and goes on with the word.
                assert words[0] == "minilm" and text[place] in "\v\f\x1c\x1d\x1e\x1f\x85", (record, begin, end)


def test_words_of_bert_are_made_of_the_references_words(words):
    for record, encoding, answer in words[1]:
        starts = {first for first, _ in answer["words"]}
        for i in range(1, len(encoding.ids)):
            same = encoding.word_ids[i] is not None and encoding.word_ids[i] == encoding.word_ids[i - 1] and (
                encoding.sequence_ids[i] == encoding.sequence_ids[i - 1])
            if words[0] == "minilm" and same:
                assert i not in starts, (record, encoding.tokens[i])
            # Pieces of one character are never parted.
            if encoding.sequence_ids[i] is not None and encoding.sequence_ids[i] == encoding.sequence_ids[i - 1]:
                (_, end), (begin, _) = encoding.offsets[i - 1], encoding.offsets[i]
                assert begin >= end or i not in starts, (record, encoding.tokens[i])


def test_words_of_a_byte_level_tokenizer_are_all_of_the_text(words):
    if words[0] == "minilm":
        pytest.skip("uncased BERT drops characters")
    for record, encoding, answer in words[1]:
        covered = "".join(
            record[encoding.sequence_ids[group[0]]][slice(*span(record, encoding, group))]
            for group in answer["words"])
        assert "".join(covered.split()) == "".join("".join(record).split()), record


@pytest.mark.parametrize("models", [("gpt2-demo", "minilm"), ("minilm", "gpt2-demo"), ("minilm", "minilm")])
def test_aligned_groups_cover_the_same_characters(models):
    firsts, seconds = map(reference, models)
    for record, first, second, answer in zip(RECORDS, firsts, seconds, ask(*models)):
        assert len(answer["first"]) == len(answer["second"])
        ends = [0, 0]
        for groups in zip(answer["first"], answer["second"]):
            spans = []
            for side, (group, encoding, words) in enumerate(
                    zip(groups, (first, second), (answer["words"], answer["other"]))):
                assert group[0] >= ends[side] and group[1] > 0
                ends[side] = group[0] + group[1]
                # Made of whole words.
                assert group[0] in {start for start, _ in words}
                assert ends[side] in {start + count for start, count in words}
                spans.append(span(record, encoding, group))
            (begin, end), (other_begin, other_end) = spans
            assert begin < other_end and other_begin < end, (record, groups)
        if models[0] == models[1]:
            assert answer["first"] == answer["second"]
        # Every word that shares a character with a word of the other is in a group.
        for side, (encoding, other, words) in enumerate(
                [(first, second, answer["words"]), (second, first, answer["other"])]):
            theirs = {(sequence, place) for (begin, end), sequence in zip(other.offsets, other.sequence_ids)
                      if sequence is not None for place in range(begin, end)
                      if not record[sequence][place].isspace()}
            grouped = {i for group in answer[("first", "second")[side]] for i in range(group[0], sum(group))}
            for group in words:
                sequence = encoding.sequence_ids[group[0]]
                if sequence is None or group[0] in grouped:
                    continue
                places = {(sequence, place) for i in range(group[0], sum(group))
                          for place in range(*encoding.offsets[i])}
                assert not places & theirs, (record, group)
