"""Attention of encoder-decoders equals transformers' eager attention within 1e-5, on random checkpoints: the encoder's,
the decoder's and that of the decoder to its source; alone and in padded batches, with layers and heads chosen.

    ATTNVIZ_BUILD=build/release python -m pytest tests/encoder_decoder_parity.py
    ATTNVIZ_SEEDS=20 …                       as many random variants of each case
"""

import json
import os
import subprocess
from dataclasses import dataclass

import architectures_parity
import numpy as np
import pytest
import torch
import transformers
from model_parity import BUILD, T5, TOLERANCE, dump
from safetensors.torch import load_file, save_file, save_model

PARTS = ("encoder", "decoder", "cross")
SEEDS = range(int(os.environ.get("ATTNVIZ_SEEDS", "1")))
measured = []


@dataclass
class Case(architectures_parity.Case):
    head: str = "Seq2SeqLM"
    longest: int = 48

    @property
    def size(self):
        """With 1.5 T5's states, which grow with every layer, get so large that single precision itself tells in the fifth digit."""
        return 1.0 if self.family in T5 else 1.5

    def configuration(self):
        options = {"vocab_size": 101, "d_model": 24, "decoder_start_token_id": 3, "pad_token_id": 1, "eos_token_id": 2}
        if self.family in T5:
            options |= {"num_layers": 2, "num_decoder_layers": 3, "num_heads": 4, "d_kv": 10, "d_ff": 40}
        else:
            options |= {"encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 40}
            options |= {"decoder_layers": 2, "decoder_attention_heads": 6, "decoder_ffn_dim": 36}
            options |= {"max_position_embeddings": self.longest, "decoder_vocab_size": 101, "bos_token_id": 0}
        return transformers.AutoConfig.for_model(self.family, **(options | self.options))


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
    # Decoders that attend both ways.
    *(Case(family, {"is_causal": False}) for family in (*T5, "bart", "mbart", "marian", "pegasus", "blenderbot")),
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


SMALL_T5, SMALL_BART = Case("t5"), Case("bart", {"tie_word_embeddings": False})


def resave(directory, change):
    """What `change` makes of the file's tensors."""
    path = directory / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def renamed(tensors, name, names):
    """One tensor under other names, as many copies."""
    copied = tensors.pop(name)
    return tensors | {other: copied.clone() for other in names}


@pytest.mark.parametrize("case, name, names", [
    (SMALL_T5, "shared.weight", ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"]),
    (SMALL_T5, "shared.weight", ["shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"]),
    (SMALL_T5, "shared.weight", ["decoder.embed_tokens.weight"]),
    (Case("bart"), "model.shared.weight", ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"]),
    (Case("marian"), "model.shared.weight", ["model.decoder.embed_tokens.weight", "lm_head.weight"]),
])  # fmt: skip
def test_shared_words_under_any_of_their_names(case, name, names, tmp_path):
    case.save(tmp_path)
    model = load(tmp_path)
    resave(tmp_path, lambda tensors: renamed(tensors, name, names))
    largest, _ = compare(case, model, requests_for(case, model.config, 1)[::6], tmp_path)
    assert max(largest.values()) <= TOLERANCE, largest


@pytest.mark.parametrize("case", [SMALL_T5, Case("bart")], ids=str)
def test_what_save_model_kept_once(case, tmp_path):
    """Under the name that comes first in the alphabet; the metadata says which others it stands for."""
    case.save(tmp_path)
    model = load(tmp_path)
    save_model(case.make(0), str(tmp_path / "model.safetensors"))
    largest, _ = compare(case, model, requests_for(case, model.config, 1)[::6], tmp_path)
    assert max(largest.values()) <= TOLERANCE, largest


def test_stored_sinusoids_count(tmp_path):
    case = Case("marian", head="")
    case.save(tmp_path)
    resave(tmp_path, lambda tensors: {k: v + ("embed_positions" in k) * torch.rand_like(v) for k, v in tensors.items()})
    model = load(tmp_path)
    largest, _ = compare(case, model, requests_for(case, model.config, 1), tmp_path)
    assert max(largest.values()) <= TOLERANCE, largest


def test_an_encoder_of_a_whole_file_needs_no_target(tmp_path):
    SMALL_BART.save(tmp_path)
    [[got]], _ = dump(tmp_path, "checkpoint", [{"ids": [[5, 6, 7]]}], tmp_path / "out")
    expected = reference(load(tmp_path), [5, 6, 7], [3])["encoder"]
    assert np.abs(got["attention"] - expected).max() <= TOLERANCE


@pytest.mark.parametrize("case", [SMALL_T5, SMALL_BART], ids=str)
@pytest.mark.parametrize("part, layer, unread", [
    ("encoder", 1, ["decoder.", "block.1.", "layers.1."]),
    ("decoder", 1, ["encoder.block", "encoder.layers", "block.1.", "layers.1.", "EncDec", "encoder_attn", "Dense", "fc"]),
    ("decoder", 2, ["decoder.block.2.", "decoder.layers.2.", "decoder.block.1.layer.1", "decoder.layers.1.encoder_attn"]),
    ("cross", 1, ["decoder.block.1.", "decoder.layers.1.", "decoder.block.0.layer.2", "decoder.layers.0.fc"]),
])  # fmt: skip
def test_only_what_is_asked_for_is_read(case, part, layer, unread, tmp_path):
    """Whatever else holds no numbers at all."""
    case.save(tmp_path)
    model = load(tmp_path)
    resave(tmp_path, lambda tensors: {k: v * float("nan") if any(name in k for name in unread) else v
                                      for k, v in tensors.items()})  # fmt: skip
    request = {"ids": [[5, 9, 80, 7]], "targets": [[3, 6, 44]], "part": part, "layers": [layer]}
    largest, _ = compare(case, model, [request], tmp_path)
    assert largest[part] <= TOLERANCE


@pytest.mark.parametrize("case, part", [(SMALL_BART, part) for part in PARTS] + [(SMALL_T5, "cross")], ids=str)
def test_query_and_key_vectors_make_the_attention(case, part, tmp_path):
    case.save(tmp_path)
    ids, targets = [[5, 9, 80, 7], [8]], [[3, 6], [3, 44, 9, 10, 11]]
    request = {"ids": ids, "targets": targets, "part": part, "layers": [2, 1], "heads": [3, 0], "query_key": True}
    [results], _ = dump(tmp_path, "checkpoint", [request], tmp_path / "out")
    model = load(tmp_path)
    for source, target, tensors in zip(ids, targets, results):
        query, key = torch.tensor(tensors["query"]), torch.tensor(tensors["key"])
        expected = reference(model, source, target)[part][[1, 0]][:, [3, 0]]
        scores = query @ key.transpose(-1, -2) * (1 if case.family in T5 else query.shape[-1] ** -0.5)
        made = scores.masked_fill(torch.tensor(expected) == 0, -torch.inf).softmax(-1).numpy()
        assert np.abs(made - expected).max() <= TOLERANCE


class Recorder:
    """What goes into an attention's output projection and what its value projection gives, of each layer of a part."""

    ENDS = {"t5": ("SelfAttention", "EncDecAttention", "v", "o")}

    def __init__(self, case, model, part):
        own, other, value, output = self.ENDS.get(case.family, ("self_attn", "encoder_attn", "v_proj", "out_proj"))
        end = other if part == "cross" else own
        stack = model.encoder if part == "encoder" else model.decoder
        self.blocks = [module for name, module in stack.named_modules() if name.endswith(end)]
        self.output, self.values = output, []
        for block in self.blocks:
            getattr(block, value).register_forward_hook(lambda m, _, out: self.values.append(out[0].double()))

    def norms(self, weights):
        """α‖f(x)‖ from α [layers, heads, queries, keys]."""
        heads = weights.shape[1]
        layers = []
        for layer, block, values in zip(torch.tensor(weights).double(), self.blocks, self.values, strict=True):
            outward = getattr(block, self.output).weight.detach().double().T
            outward = outward.reshape(heads, -1, outward.shape[1])
            by_head = values.view(len(values), heads, -1).transpose(0, 1)
            layers.append(layer * (by_head @ outward).norm(dim=-1).unsqueeze(1))
        self.values.clear()
        return torch.stack(layers).numpy()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("case", [SMALL_T5, SMALL_BART], ids=str)
def test_norms(case, part, tmp_path):
    case.save(tmp_path)
    model = load(tmp_path)
    recorder = Recorder(case, model, part)
    requests = [request | {"norm": True} for request in requests_for(case, model.config, 5) if request["part"] == part]
    results, _ = dump(tmp_path, "checkpoint", requests, tmp_path / "out")
    for request, result in zip(requests, results):
        for ids, targets, tensors in zip(request["ids"], request["targets"], result):
            recorder.values.clear()
            expected = recorder.norms(reference(model, ids, targets)[part])
            expected = expected[[n - 1 for n in request.get("layers", range(1, len(expected) + 1))]]
            expected = expected[:, request.get("heads", range(expected.shape[1]))]
            largest = expected.max((2, 3), keepdims=True)
            assert np.abs((tensors["norm"] - expected) / largest).max() <= TOLERANCE


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("case", [SMALL_T5, SMALL_BART], ids=str)
def test_an_ablated_head_gives_zeros(case, part, tmp_path):
    """As a model does whose output projection has zeros for it."""
    case.save(tmp_path)
    model = load(tmp_path)
    recorder = Recorder(case, model, part)
    projection = getattr(recorder.blocks[0], recorder.output)
    heads = sizes(model.config)[1][part]
    size = projection.in_features // heads
    with torch.no_grad():
        projection.weight[:, 2 * size : 3 * size] = 0
    requests = [request | {"ablated": [[1, 2]]} for request in requests_for(case, model.config, 6) if request["part"] == part]
    largest, _ = compare(case, model, requests, tmp_path)
    assert largest[part] <= TOLERANCE


ONE = {"ids": [[5, 6]], "targets": [[3]]}


@pytest.mark.parametrize("request_, expected", [
    ({"ids": [[5]], "part": "cross"}, "0 target texts for 1 source texts, expected one each"),
    (ONE | {"part": "decoder", "layers": [4]}, "'s decoder has layers 1 to 3"),
    (ONE | {"layers": [3]}, "'s encoder has layers 1 to 2"),
    (ONE | {"part": "cross", "heads": [4]}, "'s decoder has heads 0 to 3"),
    (ONE | {"part": "decoder", "ablated": [[9, 0]]}, "'s decoder has layers 1 to 3"),
    ({"ids": [[5]], "targets": [[101]], "part": "cross"}, "token id 101: "),
    ({"ids": [[101]], "targets": [[3]], "part": "cross"}, "token id 101: "),
    ({"ids": [[5]], "targets": [[]], "part": "decoder"}, "no tokens"),
    (ONE | {"part": "decoder", "query_key": True}, "adds a bias by distance"),
    (ONE | {"part": "cross", "query_key": True, "norm": True}, "do not make up norms"),
    (ONE | {"predict": True}, "predictions of an encoder-decoder are not implemented"),
])  # fmt: skip
def test_what_is_refused(request_, expected, tmp_path):
    SMALL_T5.save(tmp_path)
    command = [BUILD / "model_dump", tmp_path, "checkpoint", tmp_path]
    done = subprocess.run(command, input=json.dumps(request_), capture_output=True, text=True)
    assert done.returncode == 2
    assert expected in done.stderr


def test_a_model_of_one_part_has_no_other(tmp_path):
    sizes_ = {"vocab_size": 50, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    transformers.BertModel(transformers.BertConfig(**sizes_)).save_pretrained(tmp_path)
    command = [BUILD / "model_dump", tmp_path, "checkpoint", tmp_path]
    done = subprocess.run(command, input=json.dumps(ONE | {"part": "cross"}), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("--attention cross: ")
    assert " has no decoder behind an encoder" in done.stderr


def test_largest_difference(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print(f"\nlargest difference from eager attention in {len(measured)} comparisons: {max(measured, default=None)}")
