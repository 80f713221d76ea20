"""NaN and infinity go through every family's layers as in transformers' eager attention: where they are allowed, weights
are NaN in the same cells and equal within 1e-5 in all others; where they are not, the run is refused, and names the
first layer and head.

    ATTNVIZ_BUILD=build/release python -m pytest tests/non_finite_parity.py
    ATTNVIZ_SEEDS=20 …                       as many random faults of each kind
"""

import json
import re
import subprocess
import zlib

import architectures_parity
import encoder_decoder_parity
import model_parity
import numpy as np
import pytest
import torch
from architectures_parity import SEEDS, load
from model_parity import BUILD, TOLERANCE, export_model, reference
from safetensors.torch import load_file, save_file

NAN, INFINITY = float("nan"), float("inf")
VALUES = {"nan": NAN, "inf": INFINITY, "-inf": -INFINITY, "1e38": 1e38, "3e37": 3e37}
LAYER = 1  # the second
FEW, MORE = (1, 2, 3, 5), (10, 17, 30)


def first_of_each_family(cases):
    return list({case.family: case for case in reversed(cases) if case.dtype == "float32" and case.shard == "5GB"}.values())


CASES = first_of_each_family(model_parity.CASES[1:] + architectures_parity.CASES)
WINDOWED = [case for case in architectures_parity.CASES if "sliding_window" in str(case) or "local" in str(case)][:3]
PAIRED = first_of_each_family(encoder_decoder_parity.CASES)


def deepen(case):
    """Three layers, so that one is behind the faulty one."""
    if isinstance(case, model_parity.Case):
        case.layers = 3
    return case


def poison(directory, name, value, random):
    """Puts `value` into one number, or a row, of a tensor of the checkpoint."""
    path = directory / "model.safetensors"
    tensors = load_file(path)
    tensor = tensors[name]
    place = tuple(random.integers(0, size) for size in tensor.shape)
    tensor[place if random.random() < 0.7 else place[0]] = value
    save_file(tensors, path, metadata={"format": "pt"})


def names_in(directory, random, count):
    """Of tensors of one layer, and of an embedding or a bias of all."""
    names = sorted(load_file(directory / "model.safetensors"))
    inside = [name for name in names if re.search(rf"\.{LAYER}\.|^h\.{LAYER}\.", "." + name)]
    if not inside:  # ALBERT's layers share their tensors
        inside = [name for name in names if "layer" in name]
    outside = [name for name in names if re.search("embed|wte|wpe|shared|relative", name)]
    return [*random.choice(inside, count - 1), *random.choice(outside, 1)]


def run(directory, backend, requests, out, allow):
    out.mkdir(exist_ok=True)
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [BUILD / "model_dump", directory, backend, out, "fp32", *(["allow"] if allow else [])]
    return subprocess.run(command, input=lines, capture_output=True, text=True)


def given(out, requests):
    return [
        [model_parity.load_file(out / f"{number}.{text}.safetensors")["attention"] for text in range(len(request["ids"]))]
        for number, request in enumerate(requests)
    ]


def assert_alike(found, expected, what):
    assert np.array_equal(np.isnan(found), np.isnan(expected)), what
    assert np.nan_to_num(np.abs(found - expected)).max() <= TOLERANCE, what


def first_fault(expected):
    """Counting from 1 and 0: of [layers, heads, …]."""
    bad = np.argwhere(np.isnan(expected).any((-1, -2)))
    return (int(bad[0][0]) + 1, int(bad[0][1])) if len(bad) else None


def named(stderr):
    found = re.search(r"layer (\d+) head (\d+)", stderr)
    assert found, stderr
    return int(found[1]), int(found[2])


def check_refusal(directory, backend, request, expected, out, value, what):
    """`expected`: all maps on the way, in the order in which they are made."""
    done = run(directory, backend, [request], out, allow=False)
    fault = first_fault(expected)
    if done.returncode == 0:
        assert fault is None, what
        return
    assert done.returncode == 2, (what, done.stderr)
    assert "--allow-non-finite" in done.stderr
    if value == "nan":
        assert named(done.stderr) == fault, (what, done.stderr)
    elif fault:  # a score of minus infinity is refused, too, whose weight is 0
        assert named(done.stderr) <= fault, (what, done.stderr)


def lengths_of(random):
    return [int(random.choice(FEW)), int(random.choice(FEW)), int(random.choice(MORE))]


def values_of(random):
    """NaN, and two of the others."""
    return ["nan", *random.choice(list(VALUES)[1:], 2, replace=False)]


def generator(case, seed):
    return np.random.default_rng([seed, zlib.crc32(str(case).encode())])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", [*CASES, *WINDOWED], ids=str)
def test_stack(case, seed, tmp_path):
    random = generator(case, seed)
    deepen(case)
    for number, value in enumerate(values_of(random)):
        directory = tmp_path / value
        directory.mkdir()
        case.save(directory, seed) if hasattr(case, "size") else case.save(directory)
        name = str(names_in(directory, random, 3)[number])
        poison(directory, name, VALUES[value], random)
        model = load(case, directory) if hasattr(case, "size") else export_model.load(str(directory))
        requests = [model_parity.sentences(model, [length], seed + length) for length in lengths_of(random)]
        requests.append(model_parity.sentences(model, lengths_of(random), seed))
        requests.append(requests[0] | {"layers": [1]})
        done = run(directory, "checkpoint", requests, tmp_path / "out", allow=True)
        assert done.returncode == 0, done.stderr
        for request, results in zip(requests, given(tmp_path / "out", requests)):
            for ids, types, found in zip(request["ids"], request["types"], results):
                expected = reference(model, ids, types)[: max(request.get("layers", [99]))]
                assert_alike(found, expected, f"{case} {name} {value} {len(ids)} tokens")
        for request in (requests[1], requests[-1]):
            expected = reference(model, request["ids"][0], request["types"][0])[: max(request.get("layers", [99]))]
            check_refusal(directory, "checkpoint", request, expected, tmp_path / "none", value, f"{case} {name} {value}")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", PAIRED, ids=str)
def test_encoder_decoder(case, seed, tmp_path):
    random = generator(case, seed)
    for number, value in enumerate(values_of(random)):
        directory = tmp_path / value
        directory.mkdir()
        case.save(directory, seed)
        name = str(names_in(directory, random, 3)[number])
        poison(directory, name, VALUES[value], random)
        model = encoder_decoder_parity.load(directory)
        requests = [
            {"ids": [random.integers(4, 77, int(length)).tolist()], "targets": [[3, *random.integers(4, 77, int(length)).tolist()]],
             "part": part}
            for part in encoder_decoder_parity.PARTS for length in (random.choice(FEW), random.choice(MORE))
        ]  # fmt: skip
        done = run(directory, "checkpoint", requests, tmp_path / "out", allow=True)
        assert done.returncode == 0, done.stderr
        for request, (found,) in zip(requests, given(tmp_path / "out", requests)):
            expected = encoder_decoder_parity.reference(model, request["ids"][0], request["targets"][0])[request["part"]]
            what = f"{case} {name} {value} {request}"
            assert_alike(found, expected, what)
            if np.isnan(expected).any():
                refused = run(directory, "checkpoint", [request], tmp_path / "none", allow=False)
                assert refused.returncode == 2 and "--allow-non-finite" in refused.stderr, what


TRACED = [model_parity.Case("bert", layers=3), model_parity.Case("gpt2", layers=3), architectures_parity.Case("llama")]


@pytest.mark.parametrize("case", TRACED, ids=str)
def test_trace(case, tmp_path):
    random = generator(case, 0)
    for part in ("q_proj|c_attn|query", "mlp|output.dense"):
        case.save(tmp_path)
        names = [name for name in load_file(tmp_path / "model.safetensors") if re.search(rf"\.?{LAYER}\..*({part}).*weight", name)]
        sound = export_model.trace(export_model.load(str(tmp_path)))
        poison(tmp_path, names[0], NAN, random)
        model = export_model.load(str(tmp_path))
        traced = export_model.trace(model)
        export_model.compare(traced, model, lambda line: None)
        with pytest.raises(export_model.ExportError, match="differs by inf"):
            export_model.compare(sound, model, lambda line: None)
        traced.save(str(tmp_path / "model.pt"))
        export_model.write_manifest(tmp_path, export_model.manifest(model, "random", "random weights"))
        requests = [model_parity.sentences(model, lengths, 3) for lengths in ([3], [12], [2, 9])]
        requests.append(requests[0] | {"layers": [1]})
        done = run(tmp_path, "torchscript", requests, tmp_path / "out", allow=True)
        assert done.returncode == 0, done.stderr
        for request, results in zip(requests, given(tmp_path / "out", requests)):
            for ids, types, found in zip(request["ids"], request["types"], results):
                assert_alike(found, reference(model, ids, types)[: max(request.get("layers", [99]))], f"{case} {part} {len(ids)}")
        for request in (requests[0], requests[3]):
            expected = reference(model, request["ids"][0], request["types"][0])[: max(request.get("layers", [99]))]
            check_refusal(tmp_path, "torchscript", request, expected, tmp_path / "none", "nan", f"{case} {part}")


@pytest.mark.parametrize("family", ["bert", "gpt2"])
@pytest.mark.parametrize("backend", ["checkpoint", "torchscript"])
def test_padding_and_neighbours_in_a_batch(family, backend, tmp_path):
    """A token whose embedding is NaN spoils the texts that it is in, and no other; padding with it, none."""
    model_parity.Case(family, layers=3).save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    for row in (0, 50):  # texts are padded with 0
        tensors[next(name for name in tensors if "word_embeddings" in name or "wte" in name)][row] = NAN
    save_file(tensors, path, metadata={"format": "pt"})
    model = export_model.load(str(tmp_path))
    if backend == "torchscript":
        export_model.trace(model).save(str(tmp_path / "model.pt"))
        export_model.write_manifest(tmp_path, export_model.manifest(model, "random", "random weights"))
    good, bad = [[5, 6, 7], [8, 9, 10, 11, 12, 13]], [[5, 50, 7, 8]]
    done = run(tmp_path, backend, [{"ids": good}], tmp_path / "out", allow=False)
    assert done.returncode == 0, done.stderr
    assert run(tmp_path, backend, [{"ids": good + bad}], tmp_path / "none", allow=False).returncode == 2
    done = run(tmp_path, backend, [{"ids": good}, {"ids": good + bad}], tmp_path / "out", allow=True)
    assert done.returncode == 0, done.stderr
    for request, results in zip([good, good + bad], given(tmp_path / "out", [{"ids": good}, {"ids": good + bad}])):
        for ids, found in zip(request, results):
            assert_alike(found, reference(model, ids, [0] * len(ids)), f"{family} {ids}")


def test_layers_and_heads_that_are_not_asked_for_may_hold_anything(tmp_path):
    model_parity.Case("bert", layers=4).save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.layer.3.attention.self.query.weight"][:] = NAN
    tensors["encoder.layer.2.attention.self.key.weight"][:8] = NAN  # head 0
    tensors["encoder.layer.2.output.dense.weight"][:] = NAN
    save_file(tensors, path, metadata={"format": "pt"})
    for narrow, status in [({"layers": [2]}, 0), ({"layers": [3], "heads": [1, 3]}, 0), ({"layers": [3], "heads": [0]}, 2), ({"layers": [4]}, 2)]:
        done = run(tmp_path, "checkpoint", [{"ids": [[5, 6, 7]]} | narrow], tmp_path / "out", allow=False)
        assert done.returncode == status, (narrow, done.stderr)
        if status:
            assert "layer 3 head 0: the score of token 0 for token 0: expected a finite number, got nan" in done.stderr


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_predictions_and_norms(family, tmp_path):
    head = {"bert": "ForSequenceClassification", "gpt2": "LMHeadModel"}[family]
    for part in ("attention.self.value.weight|attn.c_proj.weight", "intermediate.dense.weight|mlp.c_fc.weight", "classifier.weight|ln_f.weight"):
        model_parity.Case(family, layers=2, model_class=head).save(tmp_path)
        path = tmp_path / "model.safetensors"
        tensors = load_file(path)
        tensors[[name for name in tensors if re.search(part, name)][-1]].view(-1)[3] = NAN
        save_file(tensors, path, metadata={"format": "pt"})
        request = {"ids": [[5, 6, 7]], "predict": True}
        refused = run(tmp_path, "checkpoint", [request], tmp_path / "out", allow=False)
        assert refused.returncode == 2 and "--allow-non-finite" in refused.stderr and "not finite" in refused.stderr
        allowed = run(tmp_path, "checkpoint", [request], tmp_path / "out", allow=True)
        assert all(number is None for number in json.loads(allowed.stdout)["predictions"][0]["probabilities"])
        norms = run(tmp_path, "checkpoint", [{"ids": [[5, 6, 7]], "norm": True}], tmp_path / "out", allow=False)
        assert norms.returncode == (2 if "attn" in part else 0), norms.stderr


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision(precision, tmp_path):
    model_parity.Case("bert", layers=3).save(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.layer.1.attention.self.query.weight"][9, 3] = NAN  # head 1
    save_file(tensors, path, metadata={"format": "pt"})
    line = json.dumps({"ids": [[5, 6, 7]]})
    command = [BUILD / "model_dump", tmp_path, "checkpoint", tmp_path, precision]
    refused = subprocess.run(command, input=line, capture_output=True, text=True)
    assert refused.returncode == 2 and "layer 2 head 1: the score of token 0 for token 0" in refused.stderr
    assert ("bf16 holds as large numbers" in refused.stderr) == (precision == "fp16")
    assert subprocess.run([*command, "allow"], input=line, capture_output=True, text=True).returncode == 0
    found = model_parity.load_file(tmp_path / "0.0.safetensors")["attention"]
    assert np.isnan(found[1, 1]).all() and np.isfinite(found[0]).all() and np.isfinite(found[1, 0]).all()
    assert np.isnan(found[2]).all()
