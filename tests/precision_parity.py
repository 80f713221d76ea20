"""In bf16 and fp16 the weights are nearer to those of fp32 than transformers' eager ones in that precision are, whose
scores are rounded too; rows still sum to 1, padded batches included.

    ATTNVIZ_BUILD=build/release python -m pytest -s tests/precision_parity.py
"""

import json
import subprocess

import numpy as np
import pytest
import torch
from architectures_parity import GROUPED, Case, load, rope
from model_parity import BUILD, MODELS, export_model, sentences
from safetensors.numpy import load_file, save_file

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
BOUNDS = {"bf16": (0.15, 6e-4), "fp16": (0.025, 8e-5)}  # the largest and the mean difference from fp32
measured = []

CASES = [
    Case("bert"),
    Case("roberta", dtype="bfloat16"),
    Case("distilbert", {"hidden_dim": 40}, dtype="float16"),
    Case("mpnet"),
    Case("t5", head="TextEncoding"),
    Case("gpt2", {"n_inner": 40}),
    Case("gpt_neox", {}),
    Case("llama", {**GROUPED, **rope("linear", factor=3.0)}),
    Case("qwen3", {"num_key_value_heads": 2, "head_dim": 10}),
    Case("gemma", {"num_key_value_heads": 1, "head_dim": 10}),
]


def ours(directory, requests, precision, out):
    """[layers, heads, tokens, tokens] of every sentence of every request, in order."""
    out.mkdir(exist_ok=True)
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([BUILD / "model_dump", directory, "checkpoint", out, precision], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [load_file(out / f"{number}.{i}.safetensors")["attention"]
            for number, request in enumerate(requests) for i in range(len(request["ids"]))]  # fmt: skip


def theirs(model, requests):
    attentions = []
    for request in requests:
        for ids, types in zip(request["ids"], request["types"]):
            ids, types = torch.tensor([ids]), torch.tensor([types]) if export_model.takes_types(model) else None
            with torch.no_grad():
                layers = export_model.attentions_of(model, ids, torch.ones_like(ids), types)
            attentions.append(torch.stack(layers)[:, 0].float().numpy())
    return attentions


def errors(found, exact):
    off = np.concatenate([np.abs(a.astype(np.float64) - b).ravel() for a, b in zip(found, exact)])
    return off.max(), off.mean()


def compare(what, model, directory, requests, precision, out):
    exact = theirs(model.float(), requests)
    model.to(TYPES[precision])
    rounded = theirs(model, requests)
    found = ours(directory, requests, precision, out)
    for layers in found:
        assert np.abs(layers.sum(-1) - 1).max() <= 1e-5
    largest, mean = errors(found, exact)
    their_largest, their_mean = errors(rounded, exact)
    measured.append(f"{what} {precision}: largest {largest:.2g}, mean {mean:.2g}; transformers {their_largest:.2g}, {their_mean:.2g}")
    assert largest <= BOUNDS[precision][0] and mean <= BOUNDS[precision][1]
    assert mean <= their_mean


@pytest.mark.parametrize("precision", TYPES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_checkpoint(case, precision, tmp_path):
    case.save(tmp_path)
    model = load(case, tmp_path)
    requests = [sentences(model, lengths, seed) for seed, lengths in enumerate([[1], [64], [40, 7, 23], [33, 60]])]
    compare(case.family, model, tmp_path, requests, precision, tmp_path / "out")


@pytest.mark.parametrize("precision", TYPES)
@pytest.mark.parametrize("name", ["minilm", "gpt2-demo"])
def test_offline_default(name, precision, tmp_path):
    model = export_model.load(str(MODELS / name))
    requests = [sentences(model, lengths, seed) for seed, lengths in enumerate([[16], [50, 120], [8, 3]])]
    compare(name, model, MODELS / name, requests, precision, tmp_path)


def test_what_fp16_cannot_hold_is_refused_and_not_drawn(tmp_path):
    case = Case("bert")
    case.save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.layer.0.attention.self.query.weight"] *= 1e5
    save_file(tensors, path)
    request = json.dumps({"ids": [[5, 6, 7]]})
    results = {precision: subprocess.run([BUILD / "model_dump", tmp_path, "checkpoint", tmp_path, precision],
                                         input=request, capture_output=True, text=True) for precision in TYPES}  # fmt: skip
    assert results["bf16"].returncode == 0
    assert results["fp16"].returncode == 2
    assert "layer 1 head 0: the score of token 0 for token 0: expected a finite number, got" in results["fp16"].stderr
    assert "hint: bf16 holds as large numbers as fp32 does; --allow-non-finite" in results["fp16"].stderr


def test_errors(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print("", *measured, sep="\n")
