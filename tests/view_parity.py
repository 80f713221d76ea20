"""What a view's page holds is what BertViz 1.4.1 shows of the same text: layers, heads, tokens, weights, the parts of a
pair, and the vectors of the neuron view.

    ATTNVIZ_BUILD=build/release python -m pytest tests/view_parity.py

A page packs numbers into 16 bits, vectors as shares of a head's largest number: most of the differences come from that.
"""
import base64
import codecs
import json
import os
import random
import re
import subprocess
import sys
import types
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build" / "release"))
MODELS = ROOT / "models"
TOLERANCE = 1e-5 + 0.5 / 65535  # of the weights, and of their packing
VECTOR_TOLERANCE = 1e-4  # of a head's largest number
measured = {}  # by what was compared, the largest difference, printed at the end
sys.path.insert(0, str(ROOT / "scripts"))
import export_model  # noqa: E402

export_model.quiet_libraries()
torch.set_num_threads(1)  # for models of this size, more only get in each other's way


def expect_near(what, theirs, ours, tolerance):
    assert theirs.shape == ours.shape
    difference = float(np.abs(theirs - ours).max())
    measured[what] = max(measured.get(what, 0), difference)
    assert difference <= tolerance, what


class Markup:
    """All that BertViz asks of IPython's HTML and Javascript, when it is to return its page rather than display it."""

    def __init__(self, data):
        self.data = data


# BertViz imports the first for notebooks and the others to download models: none of it is used here. They stand in for the
# import alone, as other tests of the same process look for the real ones.
STAND_INS = {"IPython": {}, "IPython.display": {"HTML": Markup, "Javascript": Markup, "display": None}, "boto3": {},
             "botocore": {}, "botocore.exceptions": {"ClientError": Exception}, "requests": {}}
for name, contents in STAND_INS.items():
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(contents)
import bertviz  # noqa: E402
from bertviz import neuron_view, transformers_neuron_view as old_transformers  # noqa: E402

for name in STAND_INS:
    del sys.modules[name]

COURSE = ["The bank can refuse to lend money to the person by the river bank.", "The cat sat on the mat.",
          "She sells seashells by the seashore."]
PAIRS = [("The cat sat on the mat.", "The cat lay on the rug."), ("What is unbelievable?", "Seashells are."),
         ("Yes.", "A much longer second sentence, so that the parts of the pair are anything but square.")]
WORDS = ("the bank river money unbelievable seashells antidisestablishmentarianism don't re-read 3.14 1,000 U.S. ... (so) "
         "\"well\" naïve café Zürich Ελλάδα Москва 日本 שלום 🏦 👩‍🔬 e\u0301 <b> &amp; </script> C++ attention heads").split()


def generated(count):
    """Sentences of 1 to 12 words, many of which fall into pieces."""
    dice = random.Random(11)
    return [" ".join(dice.choices(WORDS, k=dice.randint(1, 12))) for _ in range(count)]


class Reference:
    """A model as transformers runs it, and as the library inside BertViz does, which gives query and key vectors."""

    def __init__(self, name):
        self.directory = MODELS / name
        self.kind = {"minilm": "bert", "gpt2-demo": "gpt2"}[name]
        self.model = export_model.load(str(self.directory))
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(str(self.directory))

    def attention(self, text, pair=None):
        """One tensor a layer, as output_attentions gives them; the tokens, and of a pair where the second begins."""
        given = self.tokenizer(text, pair, padding=False, truncation=False, return_tensors="pt")
        types = given["token_type_ids"] if export_model.takes_types(self.model) else None
        with torch.no_grad():
            attention = export_model.attentions_of(self.model, given["input_ids"], given["attention_mask"], types)
        second = None if pair is None else given["token_type_ids"][0].tolist().index(1)
        return attention, self.tokenizer.convert_ids_to_tokens(given["input_ids"][0]), second

    @cached_property
    def old(self):
        """The model, with the same weights, and the tokenizer that BertViz's neuron view takes."""
        name = {"bert": "Bert", "gpt2": "GPT2"}[self.kind]
        config = getattr(old_transformers, f"{name}Config")(str(self.directory / "config.json"))
        config.n_ctx = self.model.config.max_position_embeddings  # GPT-2's, which newer configurations leave out
        model = getattr(old_transformers, f"{name}Model")(config)
        lost = model.load_state_dict(self.model.state_dict(), strict=False)
        assert not lost.unexpected_keys
        assert all(re.fullmatch(r"h\.\d+\.attn\.bias", key) for key in lost.missing_keys)  # the causal mask, a constant
        return model, getattr(old_transformers, f"{name}Tokenizer").from_pretrained(str(self.directory))


@pytest.fixture(scope="module", params=["minilm", "gpt2-demo"])
def reference(request):
    return Reference(request.param)


def numbers_of(text, kind, shape):
    return np.frombuffer(base64.b64decode(text), kind).reshape(shape)


def record_of(page):
    """The record inside a page, its numbers unpacked."""
    record = json.loads(re.search(r'<script\b[^>]* id="attnviz"[^>]*>(.*?)</script>', page, re.S)[1])
    view = record["figure"]
    assert (view["kind"], view["packing"]) == ("view", "uint16")
    sizes = [len(view["layers"]), len(view["heads"]), len(view["tokens"])]
    view["weights"] = numbers_of(view["weights"], "<u2", [*sizes, sizes[2]]) / 65535
    for name in {"query", "key"} & view.keys():
        packed = view[name]
        scales = numbers_of(packed["scales"], "<f4", [*sizes[:2], 1, 1])
        view[name] = numbers_of(packed["numbers"], "<i2", [*sizes, view["head_size"]]) / 32767 * scales
    return record


def records(command, model, texts, directory):
    """Of the pages that `attnviz view` makes of (text, pair)s."""
    rows = [{"text": text} | ({"pair": pair} if pair else {}) for text, pair in texts]
    (directory / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    arguments = ["--layers", "all", "--model", MODELS / model, "--input", directory / "texts.jsonl", "-q"]
    arguments += ["--pair-field", "pair"] if texts[0][1] else []
    done = subprocess.run([BUILD / "attnviz", "view", command, *arguments, "--format", "html", "-o", directory / "pages"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (directory / "pages" / "manifest.jsonl").read_text(encoding="utf8").splitlines()
    files = {item["index"]: item["file"] for item in map(json.loads, lines)}
    return [record_of((directory / "pages" / files[i]).read_text(encoding="utf8")) for i in range(len(texts))]


def params_of(markup):
    """What BertViz's script is given."""
    start = re.search(r"(const params = |window\.bertviz_params = )(?=\{)", markup.data).end()
    return json.JSONDecoder().raw_decode(markup.data, start)[0]


codecs.register_error("shown", lambda error: (
    "".join(f"‹{byte:02X}›" for byte in error.object[error.start:error.end]), error.end))
BYTES = {character: byte for byte, character in old_transformers.tokenization_gpt2.bytes_to_unicode().items()}


def as_attnviz(label, kind):
    """A token as BertViz writes it, as attnviz does, its mark before its text.

    Of WordPiece both leave the token as it is, with the ## of a continuation. Of GPT-2 BertViz puts a space for Ġ and leaves
    the other characters that stand for bytes (Ã© for é, Ċ for a line's end); attnviz writes the space as ␣, and decodes.
    """
    if kind == "bert":
        return label
    text = bytes(BYTES["Ġ" if character == " " else character] for character in label).decode("utf8", "shown")
    return "␣" + text[1:] if text.startswith(" ") else text


def labels_of(record):
    return [mark + text for mark, text, _ in record["figure"]["tokens"]]


def compare_parts(parts, record, kind):
    """BertViz's parts of a text by its own names, each with its tokens and weights."""
    view = record["figure"]
    labels, weights = labels_of(record), view["weights"]
    ends = [0, view.get("second_from", len(labels)), len(labels)]
    sentences = {"A": slice(*ends[:2]), "B": slice(*ends[1:]), "all": slice(None)}
    assert set(parts) == ({"all"} if ends[1] == ends[2] else {"all", "AA", "BB", "AB", "BA"})
    for name, part in parts.items():
        left, right = [sentences["all"]] * 2 if name == "all" else [sentences[letter] for letter in name]
        assert [as_attnviz(label, kind) for label in part["left_text"]] == labels[left]
        assert [as_attnviz(label, kind) for label in part["right_text"]] == labels[right]
        expect_near("weights", np.array(part["attn"]), weights[:, :, left, right], TOLERANCE)


def compare_views(reference, texts, directory):
    for (text, pair), record in zip(texts, records("head", reference.directory.name, texts, directory), strict=True):
        attention, tokens, second = reference.attention(text, pair)
        assert record["texts"][0]["tokens"] == tokens
        for function in (bertviz.head_view, bertviz.model_view):
            params = params_of(function(attention, tokens, second, html_action="return"))
            assert [number - 1 for number in record["figure"]["layers"]] == params["include_layers"]
            assert record["figure"]["heads"] == params.get("include_heads", list(range(len(attention[0][0]))))
            parts = {"all" if part["name"] in (None, "All") else re.sub(r"Sentence | -> ", "", part["name"]): part
                     for part in params["attention"]}
            compare_parts(parts, record, reference.kind)


def test_head_and_model_views_of_sentences(reference, tmp_path):
    texts = [(text, None) for text in COURSE + generated(50)]
    compare_views(reference, texts, tmp_path)


def weights_made_of(query, key, causal):
    scores = query @ np.swapaxes(key, -1, -2) / query.shape[-1] ** 0.5
    if causal:
        scores = scores + np.triu(np.full(scores.shape[-2:], -np.inf), 1)
    return torch.softmax(torch.tensor(scores), -1).numpy()


def compare_vectors(part, view):
    """Row by row; and what both make of them are the weights."""
    theirs = {"query": np.array(part["queries"]), "key": np.array(part["keys"])}
    for name, vectors in theirs.items():
        scale = np.abs(vectors).max(axis=(2, 3), keepdims=True)
        expect_near(f"{name} vectors", vectors / scale, view[name] / scale, VECTOR_TOLERANCE)
    expect_near("weights made of BertViz's vectors", weights_made_of(**theirs, causal=view["causal"]), view["weights"], TOLERANCE)
    expect_near("weights made of the page's vectors", weights_made_of(view["query"], view["key"], view["causal"]),
                view["weights"], 1e-3)


def compare_neurons(reference, texts, directory):
    model, tokenizer = reference.old
    for (text, pair), record in zip(texts, records("neuron", reference.directory.name, texts, directory), strict=True):
        params = params_of(neuron_view.show(model, reference.kind, tokenizer, text, pair, html_action="return"))
        assert record["figure"]["causal"] == (not params["bidirectional"])
        compare_parts({name if name == "all" else name.upper(): part for name, part in params["attention"].items()},
                      record, reference.kind)
        compare_vectors(params["attention"]["all"], record["figure"])


def test_neuron_view_of_sentences(reference, tmp_path):
    compare_neurons(reference, [(text, None) for text in COURSE + generated(10)], tmp_path)


def test_pairs(tmp_path):
    minilm = Reference("minilm")
    for compare in (compare_views, compare_neurons):
        directory = tmp_path / compare.__name__
        directory.mkdir()
        compare(minilm, PAIRS, directory)


def test_largest_differences(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print("\nlargest differences from BertViz: " + ", ".join(f"{what} {value:.2g}" for what, value in measured.items()))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s"]))
