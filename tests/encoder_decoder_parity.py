"""Attention of encoder-decoders equals transformers' eager attention within 1e-5, on random checkpoints: the encoder's,
the decoder's and that of the decoder to its source; alone and in padded batches, with layers and heads chosen.

    ATTNVIZ_BUILD=build/release python -m pytest tests/encoder_decoder_parity.py
    ATTNVIZ_SEEDS=20 …                       as many random variants of each case
"""

import json
import os
import subprocess
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
import transformers
from model_parity import BUILD, TOLERANCE, dump
from safetensors.torch import load_file, save_file, save_model

T5 = ("t5", "mt5")
PARTS = ("encoder", "decoder", "cross")
SEEDS = range(int(os.environ.get("ATTNVIZ_SEEDS", "1")))
measured = []


@dataclass
class Case:
    """A random checkpoint; `options` go to the configuration as they are."""

    family: str
    options: dict = field(default_factory=dict)
    head: str = "Seq2SeqLM"  # of the class that saves it; empty: none
    dtype: str = "float32"
    shard: str = "5GB"
    longest: int = 48

    def __str__(self):
        changed = [f"{name}={value}" for name, value in self.options.items()]
        return " ".join([self.family, *changed, self.head, self.dtype, self.shard])

    def configuration(self):
        options = {"vocab_size": 101, "d_model": 24, "decoder_start_token_id": 3, "pad_token_id": 1, "eos_token_id": 2}
        if self.family in T5:
            options |= {"num_layers": 2, "num_decoder_layers": 3, "num_heads": 4, "d_kv": 10, "d_ff": 40}
        else:
            options |= {"encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 40}
            options |= {"decoder_layers": 2, "decoder_attention_heads": 6, "decoder_ffn_dim": 36}
            options |= {"max_position_embeddings": self.longest, "decoder_vocab_size": 101, "bos_token_id": 0}
        return transformers.AutoConfig.for_model(self.family, **(options | self.options))

    def make(self, seed):
        """Weights large enough for sharp attention, and no bias or norm left at 0 or 1."""
        torch.manual_seed(seed)
        config = self.configuration()
        model = getattr(transformers, f"AutoModelFor{self.head}" if self.head else "AutoModel").from_config(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if not parameter.requires_grad:
                    continue  # sinusoids
                scale = 1.5 / parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 0.1
                parameter.add_(torch.randn_like(parameter) * scale)
                if self.family in T5 and name.endswith("Attention.q.weight"):  # trained to make up for unscaled scores
                    parameter.mul_(config.d_kv**-0.5)
        return model

    def save(self, directory, seed=0):
        self.make(seed).to(getattr(torch, self.dtype)).save_pretrained(directory, max_shard_size=self.shard)


def load(directory):
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    return transformers.AutoModel.from_pretrained(directory, **options).eval()


CASES = [
    Case("t5", longest=160),
    Case("t5", head=""),
    Case("t5", {"feed_forward_proj": "gated-silu", "num_decoder_layers": 1}, dtype="bfloat16"),
    Case("t5", {"relative_attention_num_buckets": 12, "relative_attention_max_distance": 20}, dtype="float16", shard="10KB"),
    Case("t5", {"d_kv": 3, "num_layers": 4, "layer_norm_epsilon": 1e-3}, head="SequenceClassification", longest=90),
    Case("mt5", longest=160),
    Case("mt5", {"feed_forward_proj": "gated-gelu", "d_kv": 17}, head="", dtype="bfloat16", shard="10KB"),
    Case("bart"),
    Case("bart", {"scale_embedding": True, "activation_function": "relu"}, head="", dtype="float16"),
    Case("bart", {"tie_word_embeddings": False}, shard="10KB"),
    Case("bart", {"encoder_layers": 1, "decoder_layers": 4}, head="SequenceClassification", dtype="bfloat16"),
    Case("mbart", {"scale_embedding": True}),
    Case("marian", {"scale_embedding": True, "activation_function": "swish"}),
    Case("marian", {"activation_function": "swish"}, head="", dtype="float16"),
    Case("marian", {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 77}, shard="10KB"),
    Case("marian", {"tie_word_embeddings": False}, dtype="bfloat16"),
    Case("pegasus", {"scale_embedding": True, "activation_function": "relu"}),
    Case("blenderbot", {"scale_embedding": True}, dtype="float16"),
]  # fmt: skip


def texts(random, size, lengths):
    return [random.integers(4, size, length).tolist() for length in lengths]


def requests_for(case, config, seed):
    """Of any lengths and batch sizes, sources and targets apart; narrowed runs take other paths."""
    random = np.random.default_rng(seed)
    layers_of, heads_of = sizes(config)
    requests = []
    for part in PARTS:
        layers, heads = layers_of[part], heads_of[part]
        some = random.permutation(heads)[: heads // 2 + 1].tolist()
        for count, narrow in [(1, {}), (4, {}), (3, {"layers": [layers], "heads": [heads - 1]}), (1, {"layers": [1]}),
                              (2, {"layers": [layers, 1], "heads": some}), (2, {"layers": [1], "heads": some[:1]})]:  # fmt: skip
            source, target = (random.integers(1, case.longest + 1, count).tolist() for _ in range(2))
            ids = texts(random, config.vocab_size, source)
            targets = texts(random, getattr(config, "decoder_vocab_size", config.vocab_size), target)
            targets = [[config.decoder_start_token_id, *ids[1:]] for ids in targets]
            requests.append({"ids": ids, "part": part, "targets": targets} | narrow)
    return requests


def sizes(config):
    """Layers and heads of each part."""
    layers = getattr(config, "num_decoder_layers", None) or config.decoder_layers
    heads = getattr(config, "decoder_attention_heads", None) or config.num_heads
    encoder = (config.num_hidden_layers, config.num_attention_heads)
    return tuple(dict(zip(PARTS, (own, other, other))) for own, other in zip(encoder, (layers, heads)))


def reference(model, ids, targets):
    """[layers, heads, queries, keys] of each part, of one source and target alone."""
    ids, targets = torch.tensor([ids]), torch.tensor([targets])
    with torch.no_grad():
        given = model(input_ids=ids, decoder_input_ids=targets, output_attentions=True, use_cache=False)
    parts = (given.encoder_attentions, given.decoder_attentions, given.cross_attentions)
    return {name: torch.stack(part)[:, 0].numpy() for name, part in zip(PARTS, parts)}


def compare(case, model, requests, directory):
    """The largest difference of each part, and the card."""
    results, card = dump(directory, "checkpoint", requests, directory / "out")
    largest = dict.fromkeys(PARTS, 0.0)
    for request, result in zip(requests, results):
        for ids, targets, tensors in zip(request["ids"], request["targets"], result):
            expected = reference(model, ids, targets)[request["part"]]
            expected = expected[[n - 1 for n in request.get("layers", range(1, len(expected) + 1))]]
            expected = expected[:, request.get("heads", range(expected.shape[1]))]
            assert tensors["attention"].shape == expected.shape
            difference = float(np.abs(tensors["attention"] - expected).max())
            largest[request["part"]] = max(largest[request["part"]], difference)
    measured.append((max(largest.values()), f"{case} {largest}"))
    return largest, card


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_checkpoint(case, seed, tmp_path):
    case.save(tmp_path, seed)
    model = load(tmp_path)
    config = model.config
    largest, card = compare(case, model, requests_for(case, config, seed), tmp_path)
    layers, heads = sizes(config)
    assert (card["layers"], card["heads"]) == (layers["encoder"], heads["encoder"])
    assert (card["decoder_layers"], card["decoder_heads"]) == (layers["decoder"], heads["decoder"])
    assert card["decoder_start_id"] == config.decoder_start_token_id
    assert card["max_tokens"] == (0 if case.family in T5 else config.max_position_embeddings)
    assert not card["causal"]
    assert max(largest.values()) <= TOLERANCE, largest
