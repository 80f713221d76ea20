"""The memory that --max-memory goes by is 1.0 to 1.3 times what a run takes at its peak beyond the weights: on a few
shapes here, on a hundred with

    ATTNVIZ_SWEEP=1 ATTNVIZ_BUILD=build/release python -m pytest -s tests/memory_parity.py
"""

import itertools
import json
import os
import subprocess
import sys

import pytest
from architectures_parity import Case as Architecture
from encoder_decoder_parity import Case as EncoderDecoder
from model_parity import BUILD, Case, export_model

LITTLE = 5 << 19  # bytes more than needed that do not matter, where all that is needed are some MiB
LITTLE_HALF = 6 << 20  # the same in half precision, whose library holds code for each shape that it meets
SWEEP = "ATTNVIZ_SWEEP" in os.environ
SHAPES = {"small": (4, 4, 64), "wide": (2, 4, 512), "wider": (2, 8, 1024), "minilm": (6, 12, 384), "many": (12, 16, 128)}  # layers, heads, hidden
ONE, LAST, HEAD, VECTORS = {"layers": [1]}, {"layers": [2], "heads": [0]}, {"heads": [1]}, {"query_key": True}
NORMS, PREDICT = {"norm": True}, {"predict": True, "layers": [1], "heads": [0]}
DECODER, CROSS = {"part": "decoder"}, {"part": "cross"}
PADDED = {"padded": True}  # every second sentence is shorter

#: A family with sizes of its own, and what is like it: names that `family` takes here.
SIZED = {
    "bert-wide-inner": ("bert", {"intermediate_size": 8}),
    "bert-narrow-inner": ("bert", {"intermediate_size": 1}),
    "gpt2-wide-inner": ("gpt2", {"intermediate_size": None, "n_inner": 8}),
    "llama": ("llama", {"intermediate_size": 4}),
    "llama-wide-heads": ("llama", {"intermediate_size": 1, "head_dim": 2}),
    "qwen3-shared-keys": ("qwen3", {"intermediate_size": 3, "head_dim": 2, "num_key_value_heads": 1}),
    "mistral": ("mistral", {"intermediate_size": 3.5, "sliding_window": None}),
    "mistral-window": ("mistral", {"intermediate_size": 3.5, "sliding_window": 0.25}),
    "mistral-both-ways": ("mistral", {"intermediate_size": 3.5, "sliding_window": 0.25, "is_causal": False}),
    "llama-both-ways": ("llama", {"intermediate_size": 4, "is_causal": False}),
    "qwen2-window": ("qwen2", {"intermediate_size": 3, "sliding_window": 0.25, "use_sliding_window": True, "max_window_layers": 0}),
    "gemma": ("gemma", {"intermediate_size": 8, "head_dim": 2}),
    "t5-gated": ("t5", {"d_ff": 2.5, "feed_forward_proj": "gated-gelu"}),
    "t5-wide-heads": ("t5", {"d_ff": 2, "d_kv": 2}),
    "mt5-narrow-heads": ("mt5", {"d_ff": 2, "d_kv": 0.5}),
    "bart-wide-inner": ("bart", {"encoder_ffn_dim": 2, "decoder_ffn_dim": 8}),
    "llama-lm": ("llama", {"intermediate_size": 4}),
    "mistral-window-lm": ("mistral", {"intermediate_size": 3.5, "sliding_window": 0.25}),
}

#: family, shape, backend (and precision), sentences, tokens, selection
FEW = [
    ("bert", "wide", "checkpoint bf16", 8, 256, {}),
    ("gpt2", "small", "checkpoint fp16", 2, 512, VECTORS),
    ("bert", "small", "checkpoint", 1, 1024, {}),
    ("bert", "wide", "checkpoint", 8, 256, LAST),
    ("gpt2", "small", "checkpoint", 2, 512, VECTORS),
    ("bert", "wide", "checkpoint", 8, 256, NORMS),
    ("gpt2", "small", "checkpoint", 1, 1024, NORMS | ONE),
    ("gpt2-lm", "wide", "checkpoint", 1, 1024, PREDICT),
    ("gpt2-lm", "minilm", "checkpoint", 1, 2048, PREDICT),
    ("bert", "small", "torchscript", 4, 256, HEAD),
    ("gpt2", "wide", "torchscript", 2, 384, {}),
    ("bart", "wide", "checkpoint", 8, 256, CROSS),
    ("t5", "small", "checkpoint", 1, 1024, DECODER | LAST),
    ("bert-wide-inner", "wide", "checkpoint", 8, 256, LAST),
    ("qwen3-shared-keys", "wide", "checkpoint", 8, 256, LAST),
    ("t5-gated", "wide", "checkpoint", 8, 256, PADDED | CROSS),
    ("gpt2-lm", "wide", "checkpoint", 1, 16, PREDICT),
    ("mistral-both-ways", "small", "checkpoint", 4, 1024, PADDED | LAST),
]
SIZES = [
    *itertools.product(("bert-narrow-inner", "gpt2-wide-inner", "llama", "mistral", "llama-wide-heads", "gemma"), ("wide",), ("checkpoint",), (8,), (256,), (LAST,)),
    *itertools.product(("llama", "qwen3-shared-keys", "gemma"), ("wide",), ("checkpoint",), (8,), (256,), ({}, NORMS, VECTORS | ONE)),
    *itertools.product(("t5-wide-heads", "mt5-narrow-heads", "t5-gated", "bart-wide-inner"), ("wide",), ("checkpoint",), (8,), (256,), (LAST, DECODER | LAST, CROSS | LAST)),
    *itertools.product(("bert-wide-inner", "gpt2-wide-inner", "llama", "qwen3-shared-keys", "t5-gated"), ("wide",), ("checkpoint bf16", "checkpoint fp16"), (8,), (256,), (LAST,)),
    ("llama-wide-heads", "wide", "checkpoint bf16", 8, 256, {}),
    *itertools.product(("bert-wide-inner", "gpt2-wide-inner", "llama"), ("wide",), ("torchscript",), (8,), (256,), (LAST,)),
    *itertools.product(("t5", "mt5-narrow-heads"), ("small", "wide"), ("checkpoint",), (8,), (256,), (PADDED | LAST, PADDED | DECODER | LAST, PADDED | CROSS | LAST)),
    ("t5", "many", "checkpoint", 8, 256, PADDED | LAST),
    *itertools.product(("gpt2-lm", "llama-lm"), ("wide", "wider"), ("checkpoint",), (1,), (16, 64, 256), (PREDICT,)),
    *itertools.product(("mistral-window", "qwen2-window"), ("small", "many"), ("checkpoint",), (1,), (1024, 2048), (ONE, LAST)),
    *itertools.product(("mistral-window",), ("small", "wide"), ("checkpoint", "checkpoint bf16"), (1, 4), (1024,), ({}, VECTORS)),
    *itertools.product(("mistral-window-lm",), ("small", "wide"), ("checkpoint",), (1,), (1024,), (PREDICT,)),
    *itertools.product(("mistral-both-ways",), ("small", "wide"), ("checkpoint",), (4,), (1024,), (LAST, PADDED | LAST)),
    *itertools.product(("llama-both-ways",), ("small", "wide"), ("checkpoint",), (4,), (1024,), (LAST,)),
    *itertools.product(("bert", "llama"), ("wider",), ("checkpoint",), (1,), (16, 64), (LAST,)),
]
ENCODER_DECODERS = [  # with targets half as long
    *itertools.product(("bart", "t5"), ("small",), ("checkpoint",), (1,), (1024,), ({}, LAST, DECODER, CROSS, CROSS | LAST)),
    *itertools.product(("bart", "t5"), ("wide",), ("checkpoint",), (8,), (256,), ({}, ONE, DECODER, CROSS | ONE, CROSS | NORMS)),
]
CHECKPOINT = [
    *itertools.product(("bert", "gpt2"), ("small",), ("checkpoint",), (1,), (512, 1024), ({}, ONE, LAST, HEAD)),
    *itertools.product(("bert", "gpt2"), ("wide",), ("checkpoint",), (16,), (128,), ({}, LAST, VECTORS)),
    ("bert", "minilm", "checkpoint", 8, 128, {}),
    ("bert", "minilm", "checkpoint", 1, 512, {}),
    ("bert", "minilm", "checkpoint", 32, 64, {"heads": [0]}),
    ("gpt2", "minilm", "checkpoint", 4, 256, {"layers": [3, 6]}),
    ("gpt2", "many", "checkpoint", 1, 512, {}),
    ("bert", "many", "checkpoint", 4, 256, VECTORS),
    ("bert", "many", "checkpoint", 1, 2048, LAST),
    ("gpt2", "many", "checkpoint", 1, 4096, LAST),
]
HALF = [
    *itertools.product(("bert", "gpt2"), ("small",), ("checkpoint bf16",), (1,), (512, 1024), ({}, ONE, LAST, HEAD)),
    *itertools.product(("bert", "gpt2"), ("wide",), ("checkpoint bf16", "checkpoint fp16"), (16,), (128,), ({}, LAST, VECTORS)),
    ("bert", "minilm", "checkpoint bf16", 8, 128, {}),
    ("bert", "minilm", "checkpoint fp16", 32, 64, {"heads": [0]}),
    ("bert", "wide", "checkpoint bf16", 8, 256, NORMS),
    ("gpt2", "many", "checkpoint bf16", 1, 512, {}),
    ("bert", "many", "checkpoint fp16", 1, 2048, LAST),
]
TORCHSCRIPT = [
    *itertools.product(("bert", "gpt2"), ("small",), ("torchscript",), (1, 4), (256, 512), ({}, LAST)),
    ("bert", "wide", "torchscript", 16, 128, {}),
    ("gpt2", "wide", "torchscript", 16, 128, HEAD),
    ("bert", "minilm", "torchscript", 8, 128, LAST),
    ("bert", "minilm", "torchscript", 1, 512, {}),
    ("gpt2", "minilm", "torchscript", 2, 256, ONE),
    ("gpt2", "many", "torchscript", 1, 512, {}),
]
OTHERS = [*TORCHSCRIPT, *ENCODER_DECODERS]
REQUESTS = [*FEW, *CHECKPOINT, *OTHERS, *HALF, *SIZES] if SWEEP else FEW


def sized_case_of(family, shape):
    layers, heads, hidden = SHAPES[shape]
    model_type, sizes = SIZED[family]
    units = {name: hidden // heads if name in ("head_dim", "d_kv") else hidden for name in sizes}
    counts = ("num_key_value_heads", "use_sliding_window", "is_causal")
    own = {name: int(size * units[name]) if isinstance(size, (int, float)) and name not in counts else size for name, size in sizes.items()}
    if model_type in ("t5", "mt5"):
        return EncoderDecoder(model_type, case_of("t5", shape).options | own)
    if model_type == "bart":
        return EncoderDecoder(model_type, case_of("bart", shape).options | own, longest=4096)
    both = {"num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads, "hidden_size": hidden}
    if family.endswith("-lm"):
        return Architecture(model_type, both | own | {"vocab_size": 50_000}, head="CausalLM", longest=4096)
    return Architecture(model_type, both | own, longest=4096)


def case_of(family, shape):
    if family in SIZED:
        return sized_case_of(family, shape)
    layers, heads, hidden = SHAPES[shape]
    if family == "t5":
        own = {"num_layers": layers, "num_decoder_layers": layers, "num_heads": heads, "d_kv": hidden // heads}
        return EncoderDecoder(family, own | {"d_model": hidden, "d_ff": 4 * hidden})
    if family == "bart":
        both = {f"{part}_{name}": number for part in ("encoder", "decoder") for name, number in
                (("layers", layers), ("attention_heads", heads), ("ffn_dim", 4 * hidden))}  # fmt: skip
        return EncoderDecoder(family, both | {"d_model": hidden}, longest=4096)
    inner = {"bert": {"intermediate_size": 4 * hidden}}.get(family, {})  # GPT-2's default
    kind, vocabulary = ("LMHeadModel", 50_000) if family == "gpt2-lm" else ("Model", 101)
    return Case(family.removesuffix("-lm"), layers, heads, hidden, vocabulary, 4096, inner, kind)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = {}

    def make(family, shape, backend):
        if (family, shape) not in made:
            made[family, shape] = tmp_path_factory.mktemp(f"{family}-{shape}")
            case_of(family, shape).save(made[family, shape])
        directory = made[family, shape]
        if backend == "torchscript" and not (directory / "model.pt").exists():
            export_model.trace(export_model.load(str(directory))).save(str(directory / "model.pt"))
        return directory

    return make


def ratio_of(directory, backend, request, out):
    """Of a process of its own, after a short run of the same request has read the weights."""
    lines = "".join(json.dumps(one) + "\n" for one in ({**request, "ids": [[5] * 8], "targets": [[5] * 8]}, request))
    done = subprocess.run([BUILD / "model_dump", directory, *backend.split()[:1], out, *backend.split()[1:]], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    return card["predicted_memory"][1] / card["memory_growth"][1], card["memory_growth"][1]


def test_predicted_memory_covers_the_measured(model, tmp_path, capsys):
    misses = []
    for family, shape, backend, sentences, tokens, selection in REQUESTS:
        ids = [5 + i % 50 for i in range(tokens)]
        texts = [ids[: tokens // 2] if selection.get("padded") and i % 2 else ids for i in range(sentences)]
        request = {"ids": texts, "targets": [text[: tokens // 2] for text in texts], **selection}
        ratio, measured = ratio_of(model(family, shape, backend), backend, request, tmp_path)
        for file in tmp_path.glob("*.safetensors"):
            file.unlink()
        line = f"{family} {shape} {backend} {sentences} × {tokens} {selection}: {ratio:.2f} of {measured / 2**20:.0f} MiB"
        if SWEEP:
            with capsys.disabled():
                print(line)
        little = LITTLE_HALF if backend.endswith("16") else LITTLE
        if not 1.0 <= ratio <= 1.3 and not 0 <= (ratio - 1) * measured <= little:
            misses.append(line)
    assert not misses, "\n".join(misses)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s"]))
