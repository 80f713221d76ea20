"""What `analyze` and the analysis room compute equals independent computations: the metrics' definitions written in
NumPy over transformers' eager attention, and over random matrices; rollout in NumPy; flow by NetworkX.

    ATTNVIZ_BUILD=build/release python -m pytest tests/analysis_parity.py
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import export_model  # noqa: E402

BUILD = Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build" / "release"))
MODELS = ["minilm", "gpt2-demo"]
TOLERANCE = 1e-5
FLOW_TOLERANCE = 1e-6
SENTENCES = [
    "The bank can refuse to lend money to the person by the river bank.",
    "The cat sat on the mat.",
    "The big red cat sat on the soft mat.",
    "The cat that I love sat on the mat.",
    "When the cat sat down, the mat moved.",
    "The cat and the dog played together.",
    "She said that the cat was sleeping.",
    "The quick brown fox jumps over the lazy dog.",
    "She sells seashells by the seashore.",
    "To be or not to be, that is the question.",
    "The cat and the dog are friends, but the bird is scared.",
]
THRESHOLDS = {"global": ("entropy", 2.0), "local": ("locality", 0.7), "special_token": ("first_token", 0.3),
              "positional": ("distance_score", 0.15), "delimiter": ("punctuation", 0.2)}  # fmt: skip
measured = {}  # what -> largest difference, printed at the end

export_model.quiet_libraries()
torch.set_num_threads(1)


# --- The definitions


def entropies(a):
    return -(a * np.log(a + 1e-10)).sum(-1)


def head_metrics(a, tokens, special):
    """`a` is one head's matrix in double precision; `tokens` are without their marks."""
    n = len(a)
    distance = np.abs(np.arange(n)[:, None] - np.arange(n)[None, :])
    marks = [i for i, token in enumerate(tokens) if token in [".", ",", "!", "?", ";", ":"]]
    score = (a / (distance + 1)).sum()
    return {
        "entropy": entropies(a).mean(),
        "locality": np.where(distance <= 2, a, 0).sum(-1).mean(),
        "first_token": a[:, 0].mean(),
        "diagonal": np.trace(a),
        "last_row_entropy": entropies(a[-1]),
        "distance_score": score / n**2,
        "punctuation": np.mean([a[:, i].mean() for i in marks]) if marks else 0.0,
        "distance_score_per_row": score / n,
        "previous": np.mean([a[i, i - 1] for i in range(1, n)]) if n > 1 else 0.0,
        "next": np.mean([a[i, i + 1] for i in range(n - 1)]) if n > 1 else 0.0,
        "special": a[:, np.array(special, dtype=bool)].sum(-1).mean(),
        "mean_distance": (a * distance).sum(-1).mean(),
    }


def connections(a, tokens, special):
    found = {}
    for i, j in np.argwhere(a > np.float32(0.1)).tolist():
        if abs(i - j) == 1:
            kind = "positional"
        elif special[i] or special[j]:
            kind = "special"
        elif tokens[i].lower() in ["the", "a", "an"]:
            kind = "syntactic"
        else:
            kind = "semantic"
        if i != j:
            found[i, j] = (a[i, j], kind)
    return found


def rollout(attention):
    """Of [layers, tokens, tokens]: the product up to each layer."""
    rolled = np.eye(attention.shape[-1])
    result = []
    for layer in attention:
        mixed = 0.5 * layer + 0.5 * np.eye(len(layer))
        rolled = mixed / mixed.sum(-1, keepdims=True) @ rolled
        result.append(rolled)
    return np.stack(result)


def flow_graph(attention):
    graph = networkx.DiGraph()
    for level, layer in enumerate(attention):
        capacities = 0.5 * layer + 0.5 * np.eye(len(layer))
        for i, j in np.argwhere(capacities > 0).tolist():
            graph.add_edge((level + 1, i), (level, j), capacity=capacities[i, j])
    return graph


# --- Comparing


def same(what, found, expected, tolerance=TOLERANCE):
    difference = float(np.abs(np.asarray(found, dtype=float) - np.asarray(expected, dtype=float)).max(initial=0))
    measured[what] = max(difference, measured.get(what, 0.0))
    assert difference <= tolerance, f"{what}: differs by {difference}"


def compare(found, attention, tokens, special):
    """`attention` is [layers, heads, tokens, tokens] in float32, `found` holds heads, layers and received."""
    attention = attention.astype(float)
    heads = {(head["layer"], head["head"]): head for head in found["heads"]}
    assert list(heads) == [(l + 1, h) for l in range(attention.shape[0]) for h in range(attention.shape[1])]
    for (layer, number), head in heads.items():
        expected = head_metrics(attention[layer - 1, number], tokens, special)
        for name, value in expected.items():
            # Sums over all tokens carry each token's rounding.
            scale = len(tokens) if name in ("diagonal", "mean_distance") else 1
            same(name, head[name] / scale, value / scale)
        assert head["labels"] == [label for label in THRESHOLDS if label in head["labels"]]
        for label, (name, threshold) in THRESHOLDS.items():
            near = abs(expected[name] - threshold) <= TOLERANCE
            assert near or (label in head["labels"]) == (expected[name] > threshold)
    same("layer mean weight", [layer["mean_weight"] for layer in found["layers"]], attention.mean((1, 2, 3)))
    same("layer entropy", [layer["entropy"] for layer in found["layers"]], entropies(attention).mean((1, 2)))
    same("received", np.array(found["received"]) / len(tokens), attention.mean((0, 1)).sum(0) / len(tokens))


def compare_connections(found, a, tokens, special):
    """`found`: [from, to, weight, kind], strongest first. A weight as near to the threshold as two programs may
    differ can be in one list only."""
    expected = connections(a, tokens, special)
    weights = [weight for _, _, weight, _ in found]
    assert weights == sorted(weights, reverse=True)
    seen = {(i, j): (weight, kind) for i, j, weight, kind in found}
    for i, j in seen.keys() ^ expected.keys():
        assert abs(a[i, j] - 0.1) <= TOLERANCE
    for pair in seen.keys() & expected.keys():
        same("connection", seen[pair][0], expected[pair][0])
        assert seen[pair][1] == expected[pair][1]


class Reference:
    """A model as transformers runs it."""

    def __init__(self, name):
        self.name = name
        self.model = export_model.load(str(ROOT / "models" / name))
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(str(ROOT / "models" / name))

    def run(self, text, pair=None):
        """[layers, heads, tokens, tokens], tokens, tokens without their marks, which are special."""
        encoded = self.tokenizer(text, pair, return_tensors="pt", return_special_tokens_mask=True)
        types = encoded.get("token_type_ids") if export_model.takes_types(self.model) else None
        with torch.no_grad():
            layers = export_model.attentions_of(self.model, encoded.input_ids, encoded.attention_mask, types)
        tokens = self.tokenizer.convert_ids_to_tokens(encoded.input_ids[0])
        plain = [token.removeprefix("Ġ") for token in tokens]
        return torch.stack(layers)[:, 0].numpy(), tokens, plain, encoded.special_tokens_mask[0].bool().tolist()


@pytest.fixture(scope="module", params=MODELS)
def reference(request):
    return Reference(request.param)


def analyze(model, text, *arguments):
    command = [BUILD / "attnviz", "analyze", "--json", "--model", ROOT / "models" / model, *arguments, "--", text]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compare_text(reference, text, pair=None, layer=None, head=None):
    attention, tokens, plain, special = reference.run(text, pair)
    arguments = ["--pair", pair] if pair else []
    arguments += ["--layer", str(layer)] if layer else []
    arguments += ["--head", str(head)] if head is not None else []
    found = analyze(reference.name, text, *arguments)
    assert found["model"] == reference.name and found["tokens"] == tokens
    assert found["causal"] == (reference.name == "gpt2-demo")
    n = len(tokens)
    uniform = np.log(np.arange(1, n + 1)).mean() if found["causal"] else np.log(n)
    same("uniform entropy", found["uniform_entropy"], uniform)
    compare(found, attention, plain, special)
    layer = layer or len(attention)
    weights = attention[layer - 1].mean(0) if head is None else attention[layer - 1, head]
    for connection in found["connections"]:
        assert (connection["layer"], connection["head"]) == (layer, "mean" if head is None else head)
    listed = [[c["from"], c["to"], c["weight"], c["kind"]] for c in found["connections"]]
    compare_connections(listed, weights, plain, special)


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences(reference, text):
    compare_text(reference, text)


@pytest.mark.parametrize("layer, head", [(1, None), (2, 3), (4, 11), (6, 0)])
def test_connections_of_any_layer_and_head(reference, layer, head):
    compare_text(reference, SENTENCES[0], layer=layer, head=head)


def test_pairs():
    compare_text(Reference("minilm"), "The cat sat on the mat.", pair="It purred, then slept!", layer=3)


def test_random_sentences(reference):
    """Of one token up to some 120, with every kind of punctuation."""
    random = np.random.default_rng(5)
    words = (ROOT / "tests/data/languages/english.txt").read_text(encoding="utf8").split()
    words += ["the", "The", "a", "An", ".", ",", "!", "?", ";", ":", "banana", "unbelievably"]
    for _ in range(40):
        length = int(np.exp(random.uniform(0, np.log(80))))
        compare_text(reference, " ".join(random.choice(words, length)), layer=int(random.integers(1, 7)))


# --- Matrices of any kind


def random_attention(random, layers, heads, tokens, causal):
    """Rows that sum to 1, from nearly uniform to nearly one-hot; some weights are exactly 0."""
    scores = random.standard_normal((layers, heads, tokens, tokens)) * np.exp(random.uniform(-2, 3))
    masked = random.random(scores.shape) < random.choice([0, 0.3, 0.8])
    masked[..., range(tokens), random.permutation(tokens) if not causal else range(tokens)] = False
    if causal:
        masked |= np.triu(np.ones((tokens, tokens), bool), 1)
    weights = np.exp(np.where(masked, -np.inf, scores - scores.max(-1, keepdims=True, where=~masked, initial=-np.inf)))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32)


def random_labels(random, tokens):
    words = [["", "the"], ["␣", "The"], ["", "a"], ["", "an"], ["", "."], ["␣", ","], ["", "cat"], ["##", "ing"]]
    labels = [[*words[random.integers(len(words))], False] for _ in range(tokens)]
    labels[0] = ["", "[CLS]", True]
    return labels


def dump(path, attention, labels, causal):
    save_file({"attention": attention}, path,
              metadata={"causal": "true" if causal else "false", "labels": json.dumps(labels)})  # fmt: skip
    done = subprocess.run([BUILD / "analysis_dump", path], capture_output=True, text=True, encoding="utf8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compare_flow(found, attention, random, pairs):
    tokens = attention.shape[-1]
    graph = flow_graph(attention)
    found = np.array(found).reshape(tokens, tokens)
    chosen = random.choice(tokens * tokens, min(pairs, tokens * tokens), replace=False).tolist()
    for source, sink in (divmod(pair, tokens) for pair in chosen):
        top, bottom = (len(attention), source), (0, sink)
        known = graph.has_node(top) and graph.has_node(bottom)
        expected = networkx.maximum_flow_value(graph, top, bottom) if known else 0
        same("flow", found[source, sink], expected, FLOW_TOLERANCE)


@pytest.mark.parametrize("seed", range(200))
def test_random_matrices(seed, tmp_path):
    random = np.random.default_rng(seed)
    tokens, causal = int(random.integers(1, 41)), bool(seed % 2)
    attention = random_attention(random, int(random.integers(1, 7)), int(random.integers(1, 4)), tokens, causal)
    labels = random_labels(random, tokens)
    found = dump(tmp_path / "a.safetensors", attention, labels, causal)
    plain, special = [text for _, text, _ in labels], [special for *_, special in labels]
    compare(found, attention, plain, special)
    mean = attention.astype(float).mean(1)
    for listed, weights in zip(found["connections"], mean):
        compare_connections(listed, weights, plain, special)
    same("rollout", np.array(found["rollout"]).reshape(mean.shape), rollout(mean))
    same("rollout", np.array(found["rollout_of_head_0"]).reshape(tokens, tokens), rollout(attention[:, 0].astype(float))[-1])
    compare_flow(found["flow"], mean, random, 6)


@pytest.mark.parametrize("layers, tokens, causal", [(1, 6, False), (2, 5, True), (3, 6, False), (6, 5, True), (12, 4, False)])
def test_every_flow_of_small_networks(layers, tokens, causal, tmp_path):
    for seed in range(6):
        random = np.random.default_rng(1000 + seed)
        attention = random_attention(random, layers, 1, tokens, causal)
        found = dump(tmp_path / "a.safetensors", attention, random_labels(random, tokens), causal)
        compare_flow(found["flow"], attention[:, 0].astype(float), random, tokens * tokens)


def test_rollout_and_flow_of_a_model(reference, tmp_path):
    for number, text in enumerate(SENTENCES):
        attention, tokens, _, special = reference.run(text)
        labels = [["", token, special_one] for token, special_one in zip(tokens, special)]
        found = dump(tmp_path / "a.safetensors", attention, labels, reference.name == "gpt2-demo")
        mean = attention.astype(float).mean(1)
        same("rollout", np.array(found["rollout"]).reshape(mean.shape), rollout(mean))
        compare_flow(found["flow"], mean, np.random.default_rng(number), 10)


def test_largest_differences(capsys):
    """The sum of the above, for the reader."""
    with capsys.disabled():
        print("\nlargest differences: " + ", ".join(f"{what} {value:.1e}" for what, value in measured.items()))


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s"]))
