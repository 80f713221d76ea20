"""A model that comes to NaN or infinity, from text to file: refused by layer and head, or drawn and marked where that is
allowed; of many texts only those fail that meet it.

    ATTNVIZ_BUILD=build/release python -m pytest tests/non_finite_test.py
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
import transformers
from model_parity import sharpened
from safetensors.torch import load_file, save_file

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")).resolve() / "attnviz"
ALLOW = "--allow-non-finite"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Query weights of layer 2's head 1 that are NaN, and a word whose embedding is."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(3)
    config = transformers.BertConfig(num_hidden_layers=3, num_attention_heads=4, hidden_size=32, intermediate_size=40,
                                     max_position_embeddings=64)  # fmt: skip
    sharpened(transformers.BertForSequenceClassification(config)).save_pretrained(folder / "query")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        if (TOP / "models/minilm" / name).exists():
            shutil.copy(TOP / "models/minilm" / name, folder / "query")
    shutil.copytree(folder / "query", folder / "word")

    def spoil(model, name, rows):
        path = folder / model / "model.safetensors"
        tensors = load_file(path)
        tensors[name][rows] = float("nan")
        save_file(tensors, path, metadata={"format": "pt"})

    spoil("query", "bert.encoder.layer.1.attention.self.query.weight", 9)
    river = transformers.AutoTokenizer.from_pretrained(folder / "word").convert_tokens_to_ids("river")
    spoil("word", "bert.embeddings.word_embeddings.weight", [river, 0])  # and that of padding
    return folder


def run(folder, *arguments, status=0, **options):
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=folder, capture_output=True, text=True, **options)
    assert done.returncode == status, done.stderr or done.stdout
    return done


def test_is_refused_by_layer_and_head(models, tmp_path):
    for layer in (2, 3):
        done = run(tmp_path, "render", "the bank", "--model", models / "query", "--layer", layer, "--head", 0, "-o", "a.svg", status=0 if layer == 2 else 2)
        if layer == 3:
            assert 'layer 2 head 1: the score of “[CLS]” (0) for “[CLS]” (0): expected a finite number, got nan' in done.stderr
            assert f"hint: {ALLOW} draws it all the same, and marks what is not finite" in done.stderr
    done = run(tmp_path, "render", "the river bank", "--model", models / "word", "--layer", 1, "--head", 0, "-o", "b.svg", status=2)
    assert 'layer 1 head 0: the score of “[CLS]” (0) for “river” (2)' in done.stderr
    assert "the embeddings are not finite" in done.stderr
    run(tmp_path, "render", "the bank", "--model", models / "word", "--layer", 1, "--head", 0, "-o", "c.svg")


def test_is_drawn_and_marked(models, tmp_path):
    for name, marked in [("a.svg", True), ("a.png", False), ("a.pdf", False)]:
        done = run(tmp_path, "render", "the bank", "--model", models / "query", "--layer", 2, "--head", 1, ALLOW,
                   "--annotate", "always", "--describe", "--show", "-o", name)  # fmt: skip
        assert "16 numbers are not finite: nan or infinity." in " ".join(done.stdout.split())
        assert "-1.00" not in done.stdout and "? not finite" in done.stdout
        if marked:
            assert (tmp_path / name).read_text().count("#e600e6") == 17 and "not finite" in (tmp_path / name).read_text()
        run(tmp_path, "extract", name, "-o", "a.npz")
        with np.load(tmp_path / "a.npz") as tensors:
            assert any(np.isnan(tensors[key]).all() for key in tensors.files if tensors[key].dtype == np.float32)
        run(tmp_path, "extract", name, "-o", "a.json")
        assert "null" in (tmp_path / "a.json").read_text() and "NaN" not in (tmp_path / "a.json").read_text()
        run(tmp_path, "check", name)  # draws it again
        run(tmp_path, "check", name, "--baseline", ".")
        run(tmp_path, "redraw", name, "--theme", "dark", "-o", "dark.svg")


COMMANDS = [["grid", "--layer", "2"], ["layers", "--head", "1"], ["rollout"], ["rollout", "--method", "max-flow"], ["summary"], ["flow", "--token", "1"],
            ["view", "head", "--layer", "2"], ["view", "model"], ["view", "neuron", "--layer", "2", "--head", "1", "--query", "1"],
            ["render", "--layer", "3", "--head", "mean"], ["render", "--layer", "2", "--head", "1", "--weights", "norm"],
            ["render", "--layer", "2", "--head", "1", "--words"], ["render", "--layer", "2", "--head", "1", "--hide-special", "--renormalize"],
            ["diff", "--layer", "2", "--head", "0", "--head", "1"]]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_all_figures(command, models, tmp_path):
    given = [*command, "the bank of the", "--model", models / "query"]
    run(tmp_path, *given, "-o", "a.svg", status=2)
    done = run(tmp_path, *given, ALLOW, "--describe", "-o", "a.svg")
    picture = (tmp_path / "a.svg").read_text()
    assert "not finite" in picture, done.stdout
    assert "-1.00" not in done.stdout
    assert not re.search(r' (x|y|x1|x2|y1|y2|width|height|d|transform)="[^"]*nan', picture)
    done = run(tmp_path, "check", "a.svg")
    assert "1 same" in done.stdout + done.stderr
    run(tmp_path, *given, ALLOW, "-o", "a.png")
    run(tmp_path, "check", "a.png")
    if command[0] == "view":
        run(tmp_path, *given, ALLOW, "-o", "a.html")
        run(tmp_path, "check", "a.html")


def test_numbers(models, tmp_path):
    given = ["analyze", "the bank", "--model", models / "query", "--json"]
    run(tmp_path, *given, status=2)
    report = json.loads(run(tmp_path, *given, ALLOW).stdout)
    bad = [(head["layer"], head["head"]) for head in report["heads"] if head["entropy"] is None]
    assert bad == [(2, 1), *((3, head) for head in range(4))]
    assert all(head["labels"] == [] for head in report["heads"] if head["entropy"] is None)
    run(tmp_path, *given[:-1], ALLOW)
    run(tmp_path, "extract", "the bank", "--model", models / "query", ALLOW, "-o", "x.json")
    weights = json.loads((tmp_path / "x.json").read_text())["attention"]
    assert weights[1][1] == [[None] * 4] * 4 and None not in weights[1][0][0]


def test_predictions(models, tmp_path):
    given = ["render", "the bank", "--model", models / "query", "--layer", 1, "--head", 0, "--predict", 2, "-o", "a.svg"]
    assert "layer 2 head 1" in run(tmp_path, *given, status=2).stderr
    assert "nan" in run(tmp_path, *given, ALLOW).stdout
    run(tmp_path, "check", "a.svg")


def test_one_text_of_a_batch(models, tmp_path):
    texts = ["the bank of the city", "a river", "money", "the old bank refused to lend money to anyone", "the river bank"]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
    given = ["extract", "--input", "texts.txt", "--model", models / "word", "--format", "npz"]
    run(tmp_path, *given, "-o", "out", status=2)
    entries = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [bool(entry.get("error")) for entry in entries] == [False, True, False, False, True]
    assert "layer 1 head 0: the score of “[CLS]” (0) for “river” (2)" in entries[1]["error"]
    run(tmp_path, *given, ALLOW, "-o", "all")
    for entry, text in zip(entries, texts):
        name = entry.get("file") or f"{entry['index']:06}.npz"
        run(tmp_path, "extract", text, "--model", models / "word", ALLOW, "-o", "alone.npz")
        with np.load(tmp_path / "alone.npz") as alone, np.load(tmp_path / "all" / name) as together:
            assert np.array_equal(np.isnan(alone["attention"]), np.isnan(together["attention"]))
            assert np.isnan(alone["attention"]).any() == bool(entry.get("error"))
            assert np.nan_to_num(np.abs(alone["attention"] - together["attention"])).max() <= 1e-5
