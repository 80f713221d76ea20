"""The attention room's files against Python's libraries: what one writes, the other reads, number by number."""
import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings, strategies
from safetensors import safe_open
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOL = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "attention_files"

# In the order of TensorView::Type.
TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
         torch.int8, torch.uint8, torch.bool]


def write(directory, shape, provenance, causal=False, first_layer=1, seed=0):
    """Writes the three forms of one random attention; returns its arrays and the forms' paths."""
    layers, heads, queries, keys, head_size = shape
    random = np.random.default_rng(seed)
    arrays = {
        # Any bit pattern but infinities and NaN, so that every float's digits are tried.
        "attention": random.integers(0, 0x7F800000, (layers, heads, queries, keys), np.uint32).view(np.float32),
        "query": random.standard_normal((layers, heads, queries, head_size)).astype(np.float32),
        "key": random.standard_normal((layers, heads, keys, head_size)).astype(np.float32),
    }
    raw = struct.pack("<7q", *shape, causal, first_layer) + b"".join(a.tobytes() for a in arrays.values())
    (directory / "raw").write_bytes(raw)
    (directory / "provenance").write_text(json.dumps(provenance), encoding="utf8")
    if head_size == 0:
        del arrays["query"], arrays["key"]
    paths = {form: directory / f"a.{form}" for form in ("safetensors", "npz", "json")}
    for path in paths.values():
        subprocess.run([TOOL, "write", directory / "raw", directory / "provenance", path], check=True)
    expected = {**provenance, "layers": json.dumps(list(range(first_layer, first_layer + layers)),
                                                   separators=(",", ":")),
                "heads": json.dumps(list(range(heads)), separators=(",", ":")),
                "causal": "true" if causal else "false"}
    return arrays, expected, paths


def read(path):
    done = subprocess.run([TOOL, "read", path], check=True, capture_output=True, text=True, encoding="utf8")
    return json.loads(done.stdout)


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


SHAPES = [(1, 1, 1, 1, 0), (1, 1, 2, 2, 3), (2, 3, 7, 7, 4), (6, 12, 20, 20, 32), (3, 2, 5, 9, 1), (1, 1, 300, 300, 0)]


@pytest.mark.parametrize("shape", SHAPES)
def test_python_reads_what_attnviz_writes(tmp_path, shape):
    provenance = {"text": "\"Grüße\" 😀\n\t\\ \0 \x7f \u2028 </script>", "model": "", "": "no name"}
    arrays, expected, paths = write(tmp_path, shape, provenance, causal=shape[0] == 2, first_layer=3)

    loaded = safetensors.numpy.load_file(paths["safetensors"])
    assert loaded.keys() == arrays.keys()
    with safe_open(paths["safetensors"], "numpy") as file:
        assert file.metadata() == expected

    with np.load(paths["npz"], allow_pickle=False) as archive:
        assert set(archive.files) == arrays.keys() | {"layers", "heads", "provenance"}
        assert archive.zip.testzip() is None
        assert archive["layers"].tolist() == list(range(3, 3 + shape[0]))
        assert archive["heads"].tolist() == list(range(shape[1]))
        assert json.loads(str(archive["provenance"])) == expected
        for name, array in arrays.items():
            same(archive[name], array)

    document = json.loads(paths["json"].read_text(encoding="utf8"))
    assert document["provenance"] == expected
    assert document["layers"] == list(range(3, 3 + shape[0])) and document["heads"] == list(range(shape[1]))
    assert document["causal"] == (shape[0] == 2)
    assert document.keys() == arrays.keys() | {"provenance", "layers", "heads", "causal"}
    for name, array in arrays.items():
        same(loaded[name], array)
        same(np.array(document[name], dtype=np.float32), array)


@settings(max_examples=25, deadline=None)
@given(strategies.dictionaries(strategies.text(), strategies.text(), max_size=4))
def test_any_provenance_survives(tmp_path_factory, provenance):
    _, expected, paths = write(tmp_path_factory.mktemp("provenance"), (1, 1, 1, 1, 0), provenance)
    with safe_open(paths["safetensors"], "numpy") as file:
        assert file.metadata() == expected
    with np.load(paths["npz"], allow_pickle=False) as archive:
        assert json.loads(str(archive["provenance"])) == expected
    assert json.loads(paths["json"].read_text(encoding="utf8"))["provenance"] == expected


def expect_tensors(found, tensors):
    assert found["tensors"].keys() == tensors.keys()
    for name, tensor in tensors.items():
        entry = found["tensors"][name]
        assert TYPES[entry["type"]] == tensor.dtype
        assert entry["shape"] == list(tensor.shape)
        data = tensor.contiguous().reshape(-1).view(torch.uint8) if tensor.numel() else torch.empty(0)
        assert entry["bytes"] == bytes(data.tolist()).hex()


def test_attnviz_reads_every_type_that_python_writes(tmp_path):
    torch.manual_seed(0)
    tensors = {}
    for dtype in TYPES:
        for shape in [(), (0,), (1,), (3, 5), (2, 0, 4), (2, 3, 4, 5)]:
            tensors[f"{dtype} {shape} ü\"\\"] = (torch.randn(shape) * 100).to(dtype)
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt", "text": "\"😀\n"})
    found = read(path)
    expect_tensors(found, tensors)
    assert found["metadata"] == {"format": "pt", "text": "\"😀\n"}


def test_attnviz_refuses_other_types_by_name(tmp_path):
    path = tmp_path / "x.safetensors"
    for dtype, name in [(torch.float8_e4m3fn, "F8_E4M3"), (torch.uint32, "U32"), (torch.complex64, "C64")]:
        safetensors.torch.save_file({"w": torch.zeros(3, dtype=dtype)}, path)
        done = subprocess.run([TOOL, "read", path], capture_output=True, text=True)
        assert done.returncode == 2 and f'tensor "w": unknown type' in done.stderr and name in done.stderr


@pytest.mark.parametrize("max_shard_size, sharded", [("20KB", True), ("5GB", False)])
def test_attnviz_reads_what_transformers_saves(tmp_path, max_shard_size, sharded):
    torch.manual_seed(0)
    small = {"vocab_size": 50, "num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 2,
             "intermediate_size": 48, "max_position_embeddings": 32}
    gpt2 = {"vocab_size": 50, "n_layer": 2, "n_embd": 24, "n_head": 2, "n_positions": 32}
    for number, model in enumerate([BertModel(BertConfig(**small)), GPT2Model(GPT2Config(**gpt2))]):
        place = tmp_path / str(number)
        model.save_pretrained(place, max_shard_size=max_shard_size)
        index = place / "model.safetensors.index.json"
        assert index.exists() == sharded
        found = read(index if sharded else place / "model.safetensors")
        assert (found["files"] > 2) == sharded
        assert found["metadata"]["format"] == "pt"
        expect_tensors(found, model.state_dict())
