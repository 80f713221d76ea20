"""Predictions equal transformers' logits within 1e-4, of every family that has a classifier or a language model's
head, with all heads and with some of them ablated; so do the maps of an ablated model.

    ATTNVIZ_BUILD=build/release python -m pytest tests/prediction_parity.py
"""

import json
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import safetensors
import torch
import transformers
from architectures_parity import GROUPED, Case
from model_parity import BUILD, TOLERANCE, dump, export_model, sentences

LOGITS_TOLERANCE = 1e-4
CLASSES = "SequenceClassification"
LABELS = {"id2label": {0: "toxic", 1: "insult", 2: "threat"}, "label2id": {"toxic": 0, "insult": 1, "threat": 2}}
# A configuration of three layers and four heads each.
DECODERS = {
    "gpt2": {"n_inner": 40},
    "gpt_neo": {"attention_types": [[["global", "local"], 1], [["local"], 1]], "window_size": 5},
    "gpt_neox": {},
    "llama": {},
    "mistral": {"num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2},
    "qwen3": {"num_key_value_heads": 2, "head_dim": 10},
    "gemma": {"num_key_value_heads": 1, "head_dim": 10},
    "opt": {},
}
KINDS = ["one_label", "many_labels", "value", "next_token"]
MODELS = pathlib.Path(os.environ.setdefault("ATTNVIZ_MODELS", str(pathlib.Path(__file__).resolve().parent.parent / "models")))
measured = []

CASES = [
    Case("bert", head=CLASSES),
    Case("bert", LABELS | {"problem_type": "multi_label_classification"}, head=CLASSES, dtype="float16"),
    Case("bert", {"num_labels": 1}, head=CLASSES),
    Case("bert", LABELS | {"problem_type": "regression"}, head=CLASSES, shard="10KB"),
    Case("distilbert", LABELS | {"hidden_dim": 40, "problem_type": "single_label_classification"}, head=CLASSES),
    Case("roberta", LABELS, head=CLASSES),
    Case("xlm-roberta", {"num_labels": 5}, head=CLASSES, dtype="bfloat16"),
    Case("camembert", {"pad_token_id": 3}, head=CLASSES),
    Case("electra", {"embedding_size": 16}, head=CLASSES),
    Case("albert", {"embedding_size": 12, "num_labels": 4}, head=CLASSES),
    Case("mpnet", LABELS, head=CLASSES),
    *(Case(family, options | LABELS | {"pad_token_id": 7}, head=CLASSES) for family, options in DECODERS.items()),
    Case("opt", {"word_embed_proj_dim": 16, "do_layer_norm_before": False, "pad_token_id": 7}, head=CLASSES),
    *(Case(family, options | {"tie_word_embeddings": tied}, head="CausalLM", shard="10KB" if tied else "5GB")
      for tied in [True, False]
      for family, options in DECODERS.items()),
    *(Case(family, options, head="CausalLM") for family, options in DECODERS.items()),
    *(Case(family, options | LABELS | {"pad_token_id": 7, "is_causal": False}, head=CLASSES) for family, options in DECODERS.items()),
    *(Case(family, options | {"is_causal": False}, head="CausalLM") for family, options in DECODERS.items()),
    Case("bert", LABELS | {"is_decoder": True}, head=CLASSES),
    Case("llama", GROUPED, head="CausalLM", dtype="bfloat16"),
    Case("opt", {"word_embed_proj_dim": 16, "do_layer_norm_before": False}, head="CausalLM", dtype="float16"),
]  # fmt: skip

# What a layer's attention gives its heads' contexts to, by the end of its name.
OUTPUTS = ("attention.output.dense", "out_lin", "attn.o", "attention.dense", "attn.c_proj", "out_proj", "o_proj")


def load(case, directory):
    kind = getattr(transformers, f"AutoModelFor{case.head}")
    return kind.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32).eval()


def output_projections(model):
    """A layer each; ALBERT's layers share one."""
    found = [module for name, module in model.base_model.named_modules()
             if name.endswith(OUTPUTS) and not name.startswith("classifier")]  # fmt: skip
    layers = model.config.num_hidden_layers
    assert len(found) in (1, layers)
    return found * layers if len(found) == 1 else found


class Ablated:
    """Sets the contexts of `heads` to zero while it stands."""

    def __init__(self, model, heads):
        self.model, self.heads, self.handles = model, heads, []

    def silence(self, layers):
        calls = iter(layers)  # of a module that several layers share, in their order

        def hook(_, inputs):
            layer = next(calls)
            contexts = inputs[0].clone()
            size = contexts.shape[-1] // self.model.config.num_attention_heads
            for _, head in (place for place in self.heads if place[0] == layer):
                contexts[..., head * size : (head + 1) * size] = 0
            return (contexts,)

        return hook

    def __enter__(self):
        modules = output_projections(self.model)
        for module in dict.fromkeys(modules):
            layers = [number + 1 for number, other in enumerate(modules) if other is module]
            self.handles.append(module.register_forward_pre_hook(self.silence(layers)))

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()


def reference(case, model, ids, types, ablated):
    """The logits of one text, and its maps."""
    arguments = {"input_ids": torch.tensor([ids])}
    if export_model.takes_types(model.base_model):
        arguments["token_type_ids"] = torch.tensor([types])
    with torch.no_grad(), Ablated(model, ablated):
        given = model(**arguments, output_attentions=True)
    logits = given.logits[0] if case.head == CLASSES else given.logits[0, -1]
    return logits.numpy(), torch.stack(given.attentions)[:, 0].numpy()


def expected_kind(case, model):
    if case.head == "CausalLM":
        return "next_token"
    kinds = {"multi_label_classification": "many_labels", "regression": "value"}
    usual = "value" if model.config.num_labels == 1 else "one_label"
    return kinds.get(model.config.problem_type, usual)


def probabilities(kind, logits):
    logits = torch.tensor(logits)
    return {"value": logits, "many_labels": logits.sigmoid()}.get(kind, logits.softmax(-1)).numpy()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_checkpoint(case, tmp_path):
    case.save(tmp_path)
    model = load(case, tmp_path)
    texts = sentences(model, [1, 9, 30], 1)
    if case.head == CLASSES and model.config.pad_token_id is not None:
        texts["ids"][1][-2:] = [model.config.pad_token_id] * 2  # a decoder reads the last token before them
    ablations = [[], [[1, 2]], [[3, 0], [1, 1], [3, 3], [2, 0]], [[2, head] for head in range(4)]]
    requests = [dict(texts, predict=True, ablated=ablated) for ablated in ablations]
    results, summary = dump(tmp_path, "checkpoint", requests, tmp_path / "out")
    predictions = iter(summary["predictions"])
    kind = expected_kind(case, model)
    largest = 0.0
    for request, result in zip(requests, results):
        for ids, types, tensors in zip(request["ids"], request["types"], result):
            made = next(predictions)
            logits, maps = reference(case, model, ids, types, request["ablated"])
            assert KINDS[made["kind"]] == kind
            assert made["labels"] == ([] if kind == "next_token" else list(model.config.id2label.values()))
            largest = max(largest, np.abs(np.array(made["logits"]) - logits).max())
            assert np.abs(np.array(made["probabilities"]) - probabilities(kind, made["logits"])).max() <= 1e-6
            assert np.abs(tensors["attention"] - maps).max() <= TOLERANCE
    measured.append((float(largest), str(case)))
    assert largest <= LOGITS_TOLERANCE


def refusal(directory, request, backend="checkpoint"):
    command = [BUILD / "model_dump", directory, backend, directory]
    done = subprocess.run(command, input=json.dumps({"ids": [[5, 6]], **request}), capture_output=True, text=True)
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize("case, name", [
    (Case("bert"), '"BertModel"'),
    (Case("bert", head="TokenClassification"), '"BertForTokenClassification"'),
    (Case("llama"), '"LlamaModel"'),
    (Case("bert", {"is_decoder": True}, head="CausalLM"), '"BertLMHeadModel"'),
], ids=str)  # fmt: skip
def test_what_predicts_nothing_is_refused_by_name(case, name, tmp_path):
    case.save(tmp_path)
    said = refusal(tmp_path, {"predict": True})
    assert f"config.json: architectures: {name} predicts nothing of a text, expected one that ends with" in said


@pytest.mark.parametrize("entries, said", [
    ({"id2label": {"0": "good", "2": "bad"}}, "id2label: has 2 labels, but no 1"),
    ({"id2label": ["good", "bad"]}, "id2label: expected"),
    ({"problem_type": "ranking"}, 'problem_type: "ranking" is not known'),
    ({"id2label": {"0": "a", "1": "b", "2": "c"}}, 'tensor "classifier.bias": wrong shape, expected [3], got [2]'),
])  # fmt: skip
def test_entries_that_do_not_fit_are_refused(entries, said, tmp_path):
    Case("bert", head=CLASSES).save(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    assert said in refusal(tmp_path, {"predict": True})


@pytest.mark.parametrize("place, said", [([4, 0], "layer 4: "), ([1, 4], "head 4: ")])
def test_heads_that_are_not_there_are_refused(place, said, tmp_path):
    Case("bert", head=CLASSES).save(tmp_path)
    assert said in refusal(tmp_path, {"ablated": [place]})


TEXTS = ["You are a fool.", "The bank can refuse to lend money."]


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
def test_figures_say_what_transformers_predicts(problem, tmp_path):
    """From the text on: below each figure, in its record, in the manifest of many texts, and beside extracted tensors."""
    options = LABELS | {"problem_type": problem, "vocab_size": 30522, "max_position_embeddings": 64}
    case = Case("bert", options, head=CLASSES)
    case.save(tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(MODELS / "minilm" / name, tmp_path / "model" / name)
    model = load(case, tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    asked = ["--model", str(tmp_path / "model"), "--predict", "2", "--ablate", "1.0,2.3"]

    def program(*arguments, **options):
        return subprocess.run([BUILD / "attnviz", *arguments], check=True, capture_output=True, text=True, **options)

    program("render", *asked, "--format", "svg", "--input", "-", "-o", tmp_path / "out", input="\n".join(TEXTS))
    manifest = [json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    entries = {entry["text"]: entry for entry in manifest if "text" in entry}
    for text in TEXTS:
        encoded = tokenizer(text)
        logits, _ = reference(case, model, encoded["input_ids"], encoded["token_type_ids"], [(1, 0), (2, 3)])
        found = probabilities("many_labels" if problem.startswith("multi") else "one_label", logits)
        expected = sorted(zip(found.tolist(), model.config.id2label.values()), reverse=True)[:2]
        metrics = entries[text]["metrics"]
        path = tmp_path / "x.safetensors"
        program("extract", *asked, "-o", path, text)
        with safetensors.safe_open(path, "np") as file:
            written = json.loads(file.metadata()["predicted"])
        figure = (tmp_path / "out" / entries[text]["file"]).read_text()
        for (value, label), (other, written_value) in zip(expected, written, strict=True):
            assert metrics["predicts " + label] == pytest.approx(value, abs=1e-5)
            assert (other, written_value) == (label, pytest.approx(value, abs=1e-5))
            assert f"“{label}” {value:.2f}" in figure
    assert program("check", tmp_path / "out").stdout == "check: 2 figures: 2 same\n"


def test_largest_difference(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print(f"\nlargest difference of logits in {len(measured)} models: {max(measured, default=None)}")
