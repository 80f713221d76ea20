"""Norms of weighted, transformed vectors (Kobayashi et al. 2020) equal those of transformers' modules, to 1e-5 of the
largest of their map, on random checkpoints of every family: alone and in padded batches, with layers and heads chosen;
and what figures' records hold, from the text on, is what NumPy makes of them.

    ATTNVIZ_BUILD=build/release python -m pytest tests/norms_parity.py
    ATTNVIZ_SEEDS=2 …                        all families' cases, else a third of them
"""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import torch
from architectures_parity import CASES, SEEDS, load, requests_for
from model_parity import BUILD, TOLERANCE, dump, export_model
from model_parity import CASES as FIRST_CASES

#: How a family calls the values' projection and the attention's output projection, by their names' ends.
MODULES = [
    ("attention.self.value", "attention.output.dense"),
    ("attention.value", "attention.dense"),
    ("attn.v", "attn.o"),
    ("SelfAttention.v", "SelfAttention.o"),
    ("v_lin", "out_lin"),
    ("v_proj", "out_proj"),
    ("v_proj", "o_proj"),
    ("c_attn", "attn.c_proj"),
    ("query_key_value", "attention.dense"),
]
MODELS = pathlib.Path(os.environ.get("ATTNVIZ_MODELS", pathlib.Path(__file__).resolve().parent.parent / "models"))
os.environ.setdefault("ATTNVIZ_MODELS", str(MODELS))
measured = []


class Recorder:
    """What goes into the values' and comes out of the attention's output projections, in the layers' order."""

    def __init__(self, model):
        names = dict(model.named_modules())
        ends = next(pair for pair in MODULES if all(any(n.endswith(end) for n in names) for end in pair))
        self.values, self.outputs = [], []
        for kept, end in zip((self.values, self.outputs), ends):
            for name, module in names.items():
                if name.endswith(end):
                    module.register_forward_hook(lambda m, _, out, kept=kept: kept.append((m, out[0].double())))
        self.fused = ends[0] if ends[0] in ("c_attn", "query_key_value") else ""

    def heads_of(self, values, heads, size):
        """[heads, tokens, head_size]"""
        tokens = len(values)
        if self.fused == "c_attn":
            values = values.view(tokens, 3, heads, size)[:, 2]
        elif self.fused:
            values = values.view(tokens, heads, 3, size)[:, :, 2]
        values = values.reshape(tokens, -1, size).transpose(0, 1)
        return values.repeat_interleave(heads // len(values), 0)


def reference(model, recorder, ids, types):
    """[layers, heads, tokens, tokens] of one sentence alone, in double precision behind weights and values."""
    recorder.values.clear(), recorder.outputs.clear()
    ids = torch.tensor([ids])
    types = torch.tensor([types]) if export_model.takes_types(model) else None
    with torch.no_grad():
        weights = export_model.attentions_of(model, ids, torch.ones_like(ids), types)
    maps = []
    for layer, (_, values), (output, result) in zip(weights, recorder.values, recorder.outputs, strict=True):
        layer, heads = layer[0].double(), layer.shape[1]
        stored = output.weight.detach().double()
        inward = stored if type(output).__name__ == "Conv1D" else stored.T
        by_head = inward.view(heads, -1, inward.shape[1])
        transformed = recorder.heads_of(values, heads, by_head.shape[1]) @ by_head
        vectors = layer.unsqueeze(-1) * transformed.unsqueeze(1)  # [heads, queries, keys, hidden]
        summed = vectors.sum((0, 2)) + (0 if output.bias is None else output.bias.detach())
        assert (summed - result.view_as(summed)).abs().max() <= 1e-4 * (1 + result.abs().max())
        maps.append(vectors.norm(dim=-1))
    return torch.stack(maps).numpy()


@pytest.mark.parametrize("case", FIRST_CASES + (CASES if len(SEEDS) > 1 else CASES[::3]), ids=str)
def test_random_checkpoint(case, tmp_path):
    case.save(tmp_path)
    model = load(case, tmp_path) if case in CASES else export_model.load(str(tmp_path))
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    limit = min(export_model.positions(model) or 64, 64)
    requests = [request | {"norm": True} for request in requests_for(model, limit, 3)]
    requests = [request for request in requests if max(request.get("layers", [1])) <= layers]
    recorder = Recorder(model)
    results, _ = dump(tmp_path, "checkpoint", requests, tmp_path / "out")
    for request, result in zip(requests, results):
        for ids, types, tensors in zip(request["ids"], request["types"], result):
            expected = reference(model, recorder, ids, types)
            expected = expected[[n - 1 for n in request.get("layers", range(1, layers + 1))]]
            expected = expected[:, request.get("heads", range(heads))]
            assert tensors["norm"].shape == expected.shape
            largest = expected.max((2, 3), keepdims=True)
            difference = float((np.abs(tensors["norm"] - expected) / largest).max())
            measured.append((difference, str(case)))
            assert difference <= TOLERANCE


def merged(maps, tokens):
    """Sub-words as --words puts them together: keys summed, queries averaged."""
    starts = [i for i, token in enumerate(tokens) if not token.startswith("##")]
    counts = np.diff([*starts, len(tokens)])
    return np.add.reduceat(np.add.reduceat(maps, starts, -1), starts, -2) / counts[:, None]


def pooled(maps):
    """Means of 2 × 2."""
    rows = range(0, maps.shape[-1], 2)
    return np.stack([np.stack([maps[..., i : i + 2, j : j + 2].mean((-2, -1)) for j in rows], -1) for i in rows], -2)


def drawn(command, text, path):
    """The maps in a figure's record."""
    for arguments in ([*command, "--weights", "norm", "-o", path, text], ["extract", "-o", path.with_suffix(".npz"), path]):
        subprocess.run([BUILD / "attnviz", *arguments], check=True, capture_output=True)
    return np.load(path.with_suffix(".npz"))["weights"]


@pytest.mark.parametrize("name", ["minilm", "gpt2-demo"])
def test_figures_hold_the_norms(name, tmp_path):
    text = "Unbelievable tokenizations never bothered the riverbank."
    told = subprocess.run([BUILD / "attnviz", "tokens", "--model", name, "--json", text], check=True, capture_output=True)
    told = json.loads(told.stdout)
    model = export_model.load(str(MODELS / name))
    recorder = Recorder(model)
    maps = reference(model, recorder, told["ids"], told["types"])
    layers, heads, tokens, _ = maps.shape
    asked = ["--model", name]
    figures = {
        ("render", "--layer", "3", "--head", "5"): maps[2, 5],
        ("render", "--layer", "mean"): maps.mean((0, 1)),
        ("grid", "--layers", "all"): maps.reshape(-1, tokens, tokens),
        ("layers",): maps.mean(1),
        ("flow", "--token", "2"): maps.mean(1)[:, 2],
        ("compare", "--layer", "1", "--layer", "6"): maps.mean(1)[[0, 5]],
        ("diff", "--layer", "1", "--layer", "6"): maps.mean(1)[0] - maps.mean(1)[5],
        ("view", "head", "--layer", "2"): maps[1],
        ("view", "model"): maps.reshape(-1, tokens, tokens),
        ("render", "--layer", "2", "--range", "1:6"): maps.mean(1)[1, 1:6, 1:6],
    }
    if name == "minilm":
        figures["render", "--layer", "2", "--words"] = merged(maps.mean(1)[1], told["tokens"])
        figures["grid", "--layer", "4", "--pool", "mean:2"] = pooled(maps[3])
    for number, (command, expected) in enumerate(figures.items()):
        for extension in ("svg", "html") if command[0] == "view" else ("svg",):
            found = drawn([*command, *asked], text, tmp_path / f"{number}.{extension}")
            found = found[: len(expected)] if command[:2] != ("view", "head") or extension == "svg" else found[heads : 2 * heads]
            assert found.shape == expected.shape, command
            difference = float(np.abs(found - expected).max() / np.abs(expected).max())
            measured.append((difference, f"{name} {' '.join(command)}"))
            assert difference <= TOLERANCE, command


def test_what_gives_no_norms_says_so(tmp_path):
    case = CASES[0]
    case.save(tmp_path)
    request = json.dumps({"ids": [[5, 6]], "norm": True, "query_key": True})
    command = [BUILD / "model_dump", tmp_path, "checkpoint", tmp_path]
    done = subprocess.run(command, input=request, capture_output=True, text=True)
    assert done.returncode == 2
    assert "query and key vectors do not make up norms" in done.stderr


def test_largest_difference(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print(f"\nlargest relative difference in {len(measured)} sentences: {max(measured, default=None)}")
