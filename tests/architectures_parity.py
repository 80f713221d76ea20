"""Attention of every family that the checkpoint backend runs equals transformers' eager attention within 1e-5, on
random checkpoints: alone and in padded batches, with layers and heads chosen, with query and key vectors.

    ATTNVIZ_BUILD=build/release python -m pytest tests/architectures_parity.py
    ATTNVIZ_SEEDS=20 …                       as many random variants of each case, and traces of them all
"""

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
import torch
import transformers
from model_parity import BUILD, T5, TOLERANCE, dump, export_model, reference, sentences, sharpened

BIASED = ("mpnet", *T5)
SEEDS = range(int(os.environ.get("ATTNVIZ_SEEDS", "1")))
measured = []


@dataclass
class Case:
    """A random checkpoint; `options` go to the configuration as they are."""

    family: str
    options: dict = field(default_factory=dict)
    head: str = ""  # of the class that saves it: "CausalLM"
    dtype: str = "float32"
    shard: str = "5GB"
    longest: int = 64
    older: bool = False  # rotary entries as versions of transformers before 5 wrote them
    size: ClassVar[float] = 1.5  # of the random weights

    def __str__(self):
        changed = [f"{name}={value}" for name, value in self.options.items()]
        saved = [self.head, self.dtype, "sharded" if self.shard != "5GB" else "", "older" if self.older else ""]
        return " ".join(filter(None, [self.family, *changed, *saved]))

    def configuration(self):
        # Names that a configuration does not have are attributes of it without meaning.
        options = {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 32, "vocab_size": 101}
        options |= {"bos_token_id": 0, "eos_token_id": 2, "max_position_embeddings": self.longest + 4}
        if self.family in T5:  # has names of its own, and no limit
            options = {"num_layers": 3, "num_heads": 4, "d_model": 32, "d_kv": 10, "d_ff": 40, "vocab_size": 101}
        options |= {"opt": {"ffn_dim": 40}, **dict.fromkeys(T5, {})}.get(self.family, {"intermediate_size": 40})
        return transformers.AutoConfig.for_model(self.family, **(options | self.options))

    def make(self, seed):
        torch.manual_seed(seed)
        kind = getattr(transformers, f"AutoModelFor{self.head}" if self.head else "AutoModel")
        return sharpened(kind.from_config(self.configuration()), self.size)

    def save(self, directory, seed=0):
        self.make(seed).to(getattr(torch, self.dtype)).save_pretrained(directory, max_shard_size=self.shard)
        if self.older:
            path = directory / "config.json"
            config = json.loads(path.read_text())
            rotary = config.pop("rope_parameters")
            config["rope_theta"] = rotary.pop("rope_theta")
            rotary["type"] = rotary.pop("rope_type")
            config["rope_scaling"] = None if rotary["type"] == "default" else rotary
            path.write_text(json.dumps(config))


def load(case, directory):
    if case.family not in T5:
        return export_model.load(str(directory))
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    loaded = getattr(transformers, f"AutoModelFor{case.head}").from_pretrained(directory, **options).eval()
    return getattr(loaded, "transformer", loaded)


def rope(kind, **entries):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 500.0, **entries}}


GROUPED = {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 10}
YARN = {"factor": 4.0, "original_max_position_embeddings": 16}
LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}

ENCODERS = [
    Case("electra", {"embedding_size": 16}),
    Case("electra", {"embedding_size": 32, "hidden_act": "relu"}, head="SequenceClassification", dtype="float16"),
    Case("albert", {"embedding_size": 12, "num_hidden_layers": 5, "num_hidden_groups": 3}),
    Case("albert", {"embedding_size": 32}, head="MaskedLM", dtype="bfloat16", shard="10KB"),
    Case("xlm-roberta", {"type_vocab_size": 1}, head="MaskedLM", shard="10KB"),
    Case("camembert", {"type_vocab_size": 1, "pad_token_id": 3}, head="TokenClassification"),
    Case("mpnet", longest=220),
    Case("mpnet", {"layer_norm_eps": 1e-3, "hidden_act": "silu"}, head="MaskedLM", dtype="float16"),
    Case("t5", head="TextEncoding", longest=220),
    Case("t5", {"feed_forward_proj": "gated-silu", "relative_attention_num_buckets": 12,
                "relative_attention_max_distance": 20}, head="TextEncoding", dtype="bfloat16"),
    Case("t5", {"is_encoder_decoder": True, "layer_norm_epsilon": 1e-3}, head="TextEncoding", shard="10KB"),
    Case("mt5", head="TextEncoding", dtype="float16"),
    Case("t5", head="TokenClassification"),
    Case("mt5", head="TokenClassification", shard="10KB"),
]  # fmt: skip

DECODERS = [
    Case("gpt_neo", {"attention_types": [[["global", "local"], 1], [["local"], 1]], "window_size": 5}),
    Case("gpt_neo", {"attention_types": [[["local"], 3]], "activation_function": "gelu"}, head="CausalLM", dtype="bfloat16"),
    Case("llama"),
    Case("llama", {**GROUPED, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"}, head="CausalLM", shard="10KB"),
    Case("llama", {**GROUPED, **rope("linear", factor=3.0)}, head="SequenceClassification", dtype="float16"),
    Case("llama", {**rope("dynamic", factor=2.0), "num_key_value_heads": 1}),
    Case("llama", rope("llama3", **LLAMA3), older=True),
    Case("llama", rope("yarn", **YARN), dtype="bfloat16"),
    Case("llama", rope("yarn", **YARN, truncate=False, beta_fast=8, mscale=1.0, mscale_all_dim=0.5)),
    Case("llama", rope("yarn", **YARN, attention_factor=1.3), older=True),
    Case("mistral", {"sliding_window": 7, "num_key_value_heads": 2}, head="CausalLM"),
    Case("mistral", {"sliding_window": None, "num_key_value_heads": 4, "head_dim": 6}, older=True),
    Case("qwen2", {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1, "num_key_value_heads": 2}),
    Case("qwen2", {"num_key_value_heads": 4, "rms_norm_eps": 1e-3}, head="CausalLM", dtype="bfloat16", shard="10KB"),
    Case("qwen3", GROUPED | rope("default"), head="CausalLM"),
    Case("qwen3", {**GROUPED, "attention_bias": True, "use_sliding_window": True, "sliding_window": 3,
                   "layer_types": ["full_attention", "sliding_attention", "full_attention"]}),  # fmt: skip
    Case("gpt_neox"),
    Case("gpt_neox", {"use_parallel_residual": False, "attention_bias": False, "hidden_act": "gelu_new"}, dtype="float16"),
    Case("gpt_neox", rope("linear", factor=2.0, partial_rotary_factor=0.5), head="CausalLM"),
    Case("opt"),
    Case("opt", {"word_embed_proj_dim": 16, "do_layer_norm_before": False}, head="CausalLM", dtype="float16"),
    Case("opt", {"enable_bias": False, "activation_function": "gelu"}),
    Case("gemma", {"num_key_value_heads": 1, "head_dim": 10}, head="CausalLM", dtype="bfloat16"),
]  # fmt: skip

def both_ways(family, **options):
    return Case(family, {"is_causal": False, **options})


# Decoders that attend both ways, with windows to both sides; GPT-Neo masks what comes behind all the same.
BOTH_WAYS = [
    both_ways("gpt2"),
    both_ways("llama", **GROUPED),
    both_ways("mistral", sliding_window=7, num_key_value_heads=2),
    both_ways("mistral", sliding_window=None, num_key_value_heads=4),
    both_ways("qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1, num_key_value_heads=2),
    both_ways("qwen3", **GROUPED, use_sliding_window=True, sliding_window=1,
              layer_types=["full_attention", "sliding_attention", "full_attention"]),
    both_ways("gpt_neox"),
    both_ways("opt"),
    both_ways("opt", do_layer_norm_before=False, word_embed_proj_dim=16),
    both_ways("gemma", num_key_value_heads=1, head_dim=10),
    *(both_ways(family, is_decoder=True) for family in ("bert", "roberta", "xlm-roberta", "camembert", "electra")),
    Case("albert", {"is_decoder": True, "embedding_size": 12}),
    Case("mpnet", {"is_decoder": True}),
    Case("distilbert", {"is_decoder": True, "hidden_dim": 40}),
    Case("roberta", head="CausalLM"),
]  # fmt: skip
BACKWARDS = [
    both_ways("gpt_neo", attention_types=[[["global", "local"], 1], [["local"], 1]], window_size=5),
    *(Case(family, {"is_decoder": True}) for family in ("bert", "roberta", "xlm-roberta", "camembert", "electra")),
    Case("gpt_neox", {"is_decoder": True}),
]
ENCODERS += BOTH_WAYS
DECODERS += BACKWARDS

# By our own forward pass, and by a trace; what has none of its own comes behind.
CASES = ENCODERS + DECODERS
DISENTANGLED = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "norm_rel_ebd": "layer_norm"}
TRACED = [
    Case("deberta-v2", DISENTANGLED | {"position_buckets": 8, "share_att_key": True, "position_biased_input": False}),
    Case("deberta-v2", {"type_vocab_size": 2}),
    Case("modernbert", {"local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 0}),
    Case("gemma2", {"head_dim": 8, "num_key_value_heads": 2, "sliding_window": 6}),
    Case("bloom"),  # which has no longest text
    *([case for case in CASES if case.family not in T5] if len(SEEDS) > 1 else [ENCODERS[6], DECODERS[10], BOTH_WAYS[0], BOTH_WAYS[2], BACKWARDS[1]]),
]


def requests_for(model, longest, seed):
    """Of any lengths and batch sizes; narrowed runs take other paths."""
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    random = np.random.default_rng(seed)
    some = random.permutation(heads)[: heads // 2 + 1].tolist()

    def lengths(count):
        return random.integers(1, longest + 1, count).tolist()

    batches = [([1], {}), ([longest], {}), (lengths(4), {}), ([longest, 3], {"layers": [layers], "heads": [heads - 1]}),
               (lengths(2), {"layers": [layers, 1], "heads": some}), (lengths(1), {"layers": [2], "heads": some[:1]})]  # fmt: skip
    return [sentences(model, batch, seed + i) | narrow for i, (batch, narrow) in enumerate(batches)]


def remade(tensors, expected, scale):
    """The weights that the vectors make, masked where the expected ones are 0."""
    scores = torch.tensor(tensors["query"]) @ torch.tensor(tensors["key"]).transpose(-1, -2) * scale
    return scores.masked_fill(torch.tensor(expected) == 0, -torch.inf).softmax(-1).numpy()


def compare(case, model, requests, directory, backend):
    """The largest difference of all weights, and of those that vectors make; and the card."""
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    results, card = dump(directory, backend, requests, directory / "out")
    assert (card["layers"], card["heads"]) == (layers, heads)
    largest = 0.0
    for request, result in zip(requests, results):
        for ids, types, tensors in zip(request["ids"], request["types"], result):
            expected = reference(model, ids, types)
            expected = expected[[n - 1 for n in request.get("layers", range(1, layers + 1))]]
            expected = expected[:, request.get("heads", range(heads))]
            assert tensors["attention"].shape == expected.shape
            largest = max(largest, np.abs(tensors["attention"] - expected).max())
            if request.get("query_key"):
                scale = 1 if case.family == "gpt_neo" else tensors["query"].shape[-1] ** -0.5
                largest = max(largest, np.abs(remade(tensors, expected, scale) - expected).max())
    measured.append((float(largest), f"{case} {backend}"))
    return largest, card


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_checkpoint(case, seed, tmp_path):
    case.save(tmp_path, seed)
    model = load(case, tmp_path)
    requests = requests_for(model, case.longest, seed)
    if case.family not in BIASED:
        requests += [dict(requests[2], query_key=True), dict(requests[4], query_key=True)]
    largest, card = compare(case, model, requests, tmp_path, "checkpoint")
    assert card["causal"] == (case in DECODERS)
    assert card["max_tokens"] == export_model.positions(model)
    assert largest <= TOLERANCE


@pytest.mark.parametrize("case", TRACED, ids=str)
def test_trace(case, tmp_path):
    case.save(tmp_path)
    model = export_model.load(str(tmp_path))
    traced = export_model.trace(model)
    export_model.compare(traced, model, lambda line: None)
    traced.save(str(tmp_path / "model.pt"))
    export_model.write_manifest(tmp_path, export_model.manifest(model, "random", "random weights"))
    backend = "torchscript" if case in CASES else "automatic"
    largest, card = compare(case, model, requests_for(model, case.longest, 1), tmp_path, backend)
    assert not card["checkpoint"]
    assert largest <= TOLERANCE


@pytest.mark.parametrize("case", [Case("mpnet"), Case("t5", head="TextEncoding")], ids=str)
def test_vectors_that_do_not_make_the_weights_are_refused(case, tmp_path):
    case.save(tmp_path)
    request = json.dumps({"ids": [[5, 6]], "query_key": True})
    command = [BUILD / "model_dump", tmp_path, "checkpoint", tmp_path]
    done = subprocess.run(command, input=request, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"do not make up the weights of a model of type {case.family}, which adds a bias by distance" in done.stderr


def test_largest_difference(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print(f"\nlargest difference from eager attention in {len(measured)} comparisons: {max(measured, default=None)}")
