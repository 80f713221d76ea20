"""Attention equals transformers' eager attention within 1e-5: on both backends, for every layer and head, alone,
in pairs and in padded batches.

    ATTNVIZ_BUILD=build/release python -m pytest tests/model_parity.py
"""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import export_model  # noqa: E402

BUILD = Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build" / "release"))
MODELS = ROOT / "models"
TOLERANCE = 1e-5
T5 = ("t5", "mt5")
measured = []  # (difference, what), printed at the end

export_model.quiet_libraries()
torch.set_num_threads(1)  # for models of this size, more only get in each other's way


def sharpened(model, size=1.5):
    """The model with random weights large enough for sharp attention, and no bias or norm left at 0 or 1."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue  # sinusoids
            scale = size / parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(torch.randn_like(parameter) * scale)
            if model.config.model_type in T5 and name.endswith("Attention.q.weight"):
                parameter.mul_(model.config.d_kv**-0.5)  # which T5 trains to make up for unscaled scores
    return model


@dataclass
class Case:
    """A random checkpoint; `options` go to its configuration, by the names of BERT's."""

    family: str
    layers: int = 2
    heads: int = 4
    hidden: int = 32
    vocabulary: int = 101
    positions: int = 64
    options: dict = field(default_factory=dict)
    model_class: str = "Model"
    dtype: str = "float32"
    shard: str = "5GB"

    def __str__(self):
        parts = [self.family, f"{self.layers}x{self.heads}x{self.hidden}", *map(str, self.options.values())]
        return "-".join(parts + [self.model_class, self.dtype] + (["sharded"] if self.shard != "5GB" else []))

    def configuration(self):
        options = {"vocab_size": self.vocabulary, "max_position_embeddings": self.positions, **self.options}
        options |= {"num_hidden_layers": self.layers, "num_attention_heads": self.heads, "hidden_size": self.hidden}
        kinds = {"bert": "BertConfig", "distilbert": "DistilBertConfig", "roberta": "RobertaConfig", "gpt2": "GPT2Config"}
        if self.family == "roberta":
            options = {"pad_token_id": 1, **options}
        if self.family == "gpt2":
            options |= {"bos_token_id": 0, "eos_token_id": 0}
        return getattr(transformers, kinds[self.family])(**options)

    def save(self, directory):
        prefix = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "Roberta", "gpt2": "GPT2"}[self.family]
        torch.manual_seed(7)
        model = sharpened(getattr(transformers, prefix + self.model_class)(self.configuration()))
        model.to(getattr(torch, self.dtype)).save_pretrained(directory, max_shard_size=self.shard)


CASES = [
    Case("bert"),
    Case("bert", layers=1, heads=1, hidden=8, vocabulary=11),
    Case("bert", layers=3, heads=12, hidden=96, options={"intermediate_size": 40, "hidden_act": "gelu_new"}),
    Case("bert", options={"hidden_act": "relu", "layer_norm_eps": 1e-3}),
    Case("bert", options={"hidden_act": "silu", "type_vocab_size": 5}),
    Case("bert", options={"hidden_act": "gelu_pytorch_tanh", "type_vocab_size": 1}),
    Case("bert", options={"hidden_act": "quick_gelu"}, model_class="ForSequenceClassification"),
    Case("bert", model_class="ForMaskedLM", dtype="float16"),
    Case("bert", model_class="ForTokenClassification", dtype="bfloat16"),
    Case("bert", layers=4, heads=2, hidden=128, shard="100KB"),
    Case("bert", layers=5, heads=3, hidden=33, vocabulary=997, positions=512),
    Case("distilbert"),
    Case("distilbert", layers=3, heads=6, hidden=48, options={"hidden_dim": 20, "activation": "relu"}),
    Case("distilbert", options={"sinusoidal_pos_embds": True}, model_class="ForSequenceClassification"),
    Case("distilbert", model_class="ForQuestionAnswering", dtype="float16"),
    Case("roberta", options={"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    Case("roberta", layers=3, heads=2, hidden=20, options={"type_vocab_size": 2, "pad_token_id": 4}),
    Case("roberta", model_class="ForMaskedLM", options={"type_vocab_size": 1}, shard="40KB"),
    Case("roberta", model_class="ForSequenceClassification", options={"hidden_act": "gelu_fast"}, dtype="bfloat16"),
    Case("gpt2"),
    Case("gpt2", layers=3, heads=1, hidden=16, options={"n_inner": 10}),
    Case("gpt2", layers=4, heads=12, hidden=96, options={"scale_attn_by_inverse_layer_idx": True}),
    Case("gpt2", options={"scale_attn_weights": False, "activation_function": "gelu"}, hidden=8),
    Case("gpt2", options={"reorder_and_upcast_attn": True, "activation_function": "relu"}),
    Case("gpt2", model_class="LMHeadModel", dtype="float16"),
    Case("gpt2", model_class="LMHeadModel", dtype="bfloat16", shard="40KB"),
    Case("gpt2", model_class="ForSequenceClassification", options={"layer_norm_epsilon": 1e-3}),
]


def dump(directory, backend, requests, output):
    """What the program gives for each request: a list of tensors by name, one a sentence; and the card."""
    output.mkdir(exist_ok=True)
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([BUILD / "model_dump", directory, backend, output], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = [
        [load_file(output / f"{number}.{sentence}.safetensors") for sentence in range(len(request["ids"]))]
        for number, request in enumerate(requests)
    ]
    return results, json.loads(done.stdout)


def sentences(model, lengths, seed, specials=False):
    """Random ids; with `specials`, the padding token also stands inside the text."""
    generator = np.random.default_rng(seed)
    size, padding = model.config.vocab_size, model.config.pad_token_id or 0
    types = max(getattr(model.config, "type_vocab_size", 1), 1)
    request = {"ids": [], "types": []}
    for length in lengths:
        ids = generator.integers(0, size, length)
        if not specials:
            ids[ids == padding] = (padding + 1) % size
        request["ids"].append(ids.tolist())
        request["types"].append(np.sort(generator.integers(0, types, length)).tolist())
    return request


def reference(model, ids, types):
    """[layers, heads, tokens, tokens] of one sentence alone."""
    ids = torch.tensor([ids])
    types = torch.tensor([types]) if export_model.takes_types(model) else None
    with torch.no_grad():
        return torch.stack(export_model.attentions_of(model, ids, torch.ones_like(ids), types))[:, 0].numpy()


def requests_for(model):
    limit = export_model.positions(model)
    lengths = [[1], [2], [17], [limit], [5, 12], [9, 1, 30, 2], [limit, 3]]
    requests = [sentences(model, batch, seed) for seed, batch in enumerate(lengths)]
    return requests + [sentences(model, [20], 99, specials=True)]


class Comparison:
    """One model's requests and what transformers gives for them."""

    def __init__(self, model):
        self.model = model
        self.requests = requests_for(model)
        self.known = {}

    def expected(self, ids, types):
        key = (tuple(ids), tuple(types))
        if key not in self.known:
            self.known[key] = reference(self.model, ids, types)
        return self.known[key]


def compare(what, comparison, directory, backend, tmp_path):
    """All layers and heads of every request, then some layers and heads: narrowed runs take other paths."""
    model = comparison.model
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    requests = list(comparison.requests)
    narrow = {"layers": [layers, 1], "heads": [heads - 1]}
    early = {"layers": [1], "heads": list(range(heads))[::-1]}
    requests += [requests[5] | narrow, requests[5] | early, requests[2] | {"layers": [layers], "heads": [0]}]
    results, card = dump(directory, backend, requests, tmp_path / backend)
    assert (card["layers"], card["heads"]) == (layers, heads)
    assert card["causal"] == (model.config.model_type == "gpt2")
    largest = 0.0
    for request, result in zip(requests, results):
        for ids, types, tensors in zip(request["ids"], request["types"], result):
            expected = comparison.expected(ids, types)
            expected = expected[[n - 1 for n in request.get("layers", range(1, layers + 1))]]
            expected = expected[:, request.get("heads", range(heads))]
            got = tensors["attention"]
            assert got.shape == expected.shape
            largest = max(largest, np.abs(got - expected).max())
            assert np.abs(got.sum(-1) - 1).max() <= 1e-5
            if card["causal"]:
                assert not np.triu(got, 1).any()
    measured.append((float(largest), f"{what} {backend}"))
    assert largest <= TOLERANCE
    return card


def prepare(case, directory):
    """The checkpoint and its export, as a user would make them; the model as transformers loads it back."""
    case.save(directory)
    model = export_model.load(str(directory))
    traced = export_model.trace(model)
    traced.save(str(directory / "model.pt"))
    export_model.write_manifest(directory, export_model.manifest(model, "random", "random weights"))
    return model


@pytest.mark.parametrize("case", CASES, ids=str)
def test_random_checkpoint(case, tmp_path):
    directory = tmp_path / "model"
    model = prepare(case, directory)
    comparison = Comparison(model)
    for backend in ("checkpoint", "torchscript"):
        card = compare(str(case), comparison, directory, backend, tmp_path)
        assert card["max_tokens"] == export_model.positions(model)
        assert card["checkpoint"] == (backend == "checkpoint")


@pytest.mark.parametrize("name", ["minilm", "gpt2-demo"])
def test_offline_default(name, tmp_path):
    comparison = Comparison(export_model.load(str(MODELS / name)))
    for backend in ("checkpoint", "torchscript"):
        compare(name, comparison, MODELS / name, backend, tmp_path)


@pytest.mark.parametrize("family, options", [
    ("bert", {}), ("distilbert", {}), ("roberta", {}),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}), ("gpt2", {"scale_attn_weights": False}),
])  # fmt: skip
def test_query_and_key_vectors_make_the_attention(family, options, tmp_path):
    case = Case(family, layers=3, options=options)
    directory = tmp_path / "model"
    case.save(directory)
    model = export_model.load(str(directory))
    request = sentences(model, [6, 13], 3) | {"layers": [3, 1], "heads": [2, 0], "query_key": True}
    [results], _ = dump(directory, "checkpoint", [request], tmp_path / "out")
    for ids, types, tensors in zip(request["ids"], request["types"], results):
        query, key = torch.tensor(tensors["query"]), torch.tensor(tensors["key"])
        assert query.shape == (2, 2, len(ids), case.hidden // case.heads)
        scores = query @ key.transpose(-1, -2)
        if options.get("scale_attn_weights", True):
            scores /= (case.hidden // case.heads) ** 0.5
        if options.get("scale_attn_by_inverse_layer_idx"):
            scores /= torch.tensor([3, 1])[:, None, None, None]
        if family == "gpt2":
            scores += torch.full_like(scores, -torch.inf).triu(1)
        expected = reference(model, ids, types)[[2, 0]][:, [2, 0]]
        assert np.abs(scores.softmax(-1).numpy() - expected).max() <= TOLERANCE


def plain_trace(model, arguments):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(model, arguments, strict=False, check_trace=False)


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "gpt2"])
def test_plain_trace_without_manifest(family, inputs, tmp_path):
    """torch.jit.trace of the model itself, with hidden states, in transformers' own argument order."""
    if inputs == 3 and family != "bert":
        return  # the third argument of the others is no token type
    if inputs == 2 and family == "gpt2":
        return  # GPT-2's second argument is its cache
    case = Case(family, layers=3, heads=4, hidden=28)  # heads as wide as the probe is long
    case.save(tmp_path / "checkpoint")
    model = export_model.load(str(tmp_path / "checkpoint"))
    model.config.output_attentions, model.config.output_hidden_states = True, True
    model.config.use_cache, model.config.return_dict = False, False
    ids = torch.tensor([[5, 9, 4, 77, 2]])
    arguments = (ids, torch.ones_like(ids), torch.zeros_like(ids))[:inputs]
    directory = tmp_path / "trace"
    directory.mkdir()
    plain_trace(model, arguments).save(str(directory / "model.pt"))
    requests = [sentences(model, [8], 1), sentences(model, [7], 2), sentences(model, [3, 12], 3)]
    for request in requests:
        if not (export_model.takes_types(model) and inputs == 3):
            request["types"] = [[0] * len(ids) for ids in request["ids"]]
    results, card = dump(directory, "automatic", requests, tmp_path / "out")
    assert (card["layers"], card["heads"], card["hidden"]) == (3, 4, 28)
    assert card["causal"] == (family == "gpt2")
    for request, result in zip(requests, results):
        for ids, types, tensors in zip(request["ids"], request["types"], result):
            difference = np.abs(tensors["attention"] - reference(model, ids, types)).max()
            measured.append((float(difference), f"plain trace of {family} with {inputs} inputs"))
            assert difference <= TOLERANCE


class Awkward(torch.nn.Module):
    """Gives past keys and values in attention's own shape, nested, before the attention, in half precision."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, mask):
        layers = export_model.attentions_of(self.model, x, mask, torch.zeros_like(x))
        past = tuple((torch.cos(layer), layer - 0.5) for layer in layers)
        return past, ([layer.half() for layer in layers], {"mask": mask})


def test_attention_is_found_among_other_tensors(tmp_path):
    case = Case("bert", layers=2, heads=4, hidden=28)
    case.save(tmp_path / "checkpoint")
    model = export_model.load(str(tmp_path / "checkpoint"))
    ids = torch.tensor([[5, 9, 4, 77, 2]])
    (tmp_path / "trace").mkdir()
    plain_trace(Awkward(model), (ids, torch.ones_like(ids))).save(str(tmp_path / "trace" / "model.pt"))
    request = {"ids": [[7, 8, 9, 10, 11, 12, 13]]}
    [[tensors]], card = dump(tmp_path / "trace", "torchscript", [request], tmp_path / "out")
    assert card["layers"] == 2
    assert tensors["attention"].dtype == np.float32
    assert np.abs(tensors["attention"] - reference(model, request["ids"][0], [0] * 7)).max() <= 1e-3


class OneLength(Awkward):
    def forward(self, x, mask):
        return [layer + torch.zeros(5, 5) for layer in export_model.attentions_of(self.model, x, mask)]


def test_trace_of_one_length_is_refused(tmp_path):
    Case("distilbert").save(tmp_path / "checkpoint")
    model = export_model.load(str(tmp_path / "checkpoint"))
    ids = torch.tensor([[5, 9, 4, 77, 2]])
    (tmp_path / "trace").mkdir()
    plain_trace(OneLength(model), (ids, torch.ones_like(ids))).save(str(tmp_path / "trace" / "model.pt"))
    command = [BUILD / "model_dump", tmp_path / "trace", "automatic", tmp_path]
    done = subprocess.run(command, input="", capture_output=True, text=True)
    assert done.returncode == 2
    assert "model.pt: fails on 1 × 7 tokens: " in done.stderr
    assert "must match" in done.stderr.splitlines()[0] and "export_model.py" in done.stderr.splitlines()[1]


def test_largest_difference(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print(f"\nlargest difference from eager attention in {len(measured)} comparisons: {max(measured)}")
    assert max(measured)[0] <= TOLERANCE


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s"]))
