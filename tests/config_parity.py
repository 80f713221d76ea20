"""What is read of a config.json is what transformers' configuration classes make of it: every entry of every family
missing, null, alone, or beside the older names of it; rotations by their own functions.

    ATTNVIZ_BUILD=build/release python -m pytest tests/config_parity.py
    ATTNVIZ_ROTATIONS=20000 …                as many random rotations
"""

import dataclasses
import importlib
import json
import os
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build" / "release"))
ROTATIONS = int(os.environ.get("ATTNVIZ_ROTATIONS", "2000"))
transformers.logging.set_verbosity(60)

BERTS = ("bert", "roberta", "xlm-roberta", "camembert", "electra", "albert", "mpnet")
LLAMAS = ("llama", "mistral", "qwen2", "qwen3", "gemma")
T5 = ("t5", "mt5")
BARTS = ("bart", "mbart", "marian", "pegasus", "blenderbot")
FAMILIES = (*BERTS, "distilbert", *T5, *BARTS, "gpt2", "gpt_neo", *LLAMAS, "gpt_neox", "opt")
NORM_FIRST = (*T5, "mbart", "pegasus", "blenderbot", "gpt2", "gpt_neo", *LLAMAS, "gpt_neox")

#: Of no family's default, and all of them together fit.
SIZES = {"vocab_size": 211, "hidden_size": 48, "num_hidden_layers": 4, "num_attention_heads": 6,
         "num_key_value_heads": 3, "intermediate_size": 56, "max_position_embeddings": 90}  # fmt: skip
OWN = {
    "distilbert": {"dim": 48, "n_layers": 4, "n_heads": 6, "hidden_dim": 56, "activation": "silu"},
    "gpt2": {"n_embd": 48, "n_layer": 4, "n_head": 6, "n_inner": 56, "n_positions": 90},
    "gpt_neo": {"num_layers": 4, "num_heads": 6, "attention_types": [[["local", "global"], 2]], "window_size": 9},
    **dict.fromkeys(T5, {"d_model": 48, "num_layers": 4, "num_heads": 6, "d_ff": 56, "d_kv": 10}),
    **dict.fromkeys(BARTS, {"d_model": 48, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 56,
                            "decoder_layers": 3, "decoder_attention_heads": 8, "decoder_ffn_dim": 64}),
    "opt": {"ffn_dim": 56},
    "gemma": {"head_dim": 12}, "qwen3": {"head_dim": 12},
}  # fmt: skip
#: Values other than the default's, tried alone and beside all others.
OTHERS = {
    int: 12, float: 0.125, bool: None, str: "relu", "rope_parameters": {"rope_type": "default", "rope_theta": 77.0},
    "layer_types": None, "attention_types": [[["local"], 4]], "position_embedding_type": None, "dtype": None,
    "feed_forward_proj": "gated-silu", "sliding_window": 7, "max_window_layers": 2,
}  # fmt: skip
#: What says how a model is trained, or what it generates, or what its weights are saved and named as.
NOT_OF_ATTENTION = {
    "transformers_version", "architectures", "output_hidden_states", "return_dict", "dtype", "id2label", "label2id",
    "problem_type", "classifier_dropout", "summary_type", "summary_use_proj", "summary_activation",
    "summary_last_dropout", "summary_first_dropout", "summary_proj_to_labels", "chunk_size_feed_forward",
}  # fmt: skip


def model_module(family):
    name = family.replace("-", "_")
    return importlib.import_module(f"transformers.models.{name}.modeling_{name}")


def rotations(config):
    """The inverse frequencies and the factor that the family's own class computes."""
    prefix = type(config).__name__.removesuffix("Config")
    made = getattr(model_module(config.model_type), f"{prefix}RotaryEmbedding")(config)
    return made.inv_freq.numpy(), made.attention_scaling


def windows(config, family, causal):
    if family == "gpt_neo":
        return [config.window_size if kind == "local" else 0 for kind in config.attention_layers]
    window = getattr(config, "sliding_window", None) if family in ("mistral", "qwen2", "qwen3") else None
    if window is None:
        assert "sliding_attention" not in (getattr(config, "layer_types", None) or [])
        return [0] * config.num_hidden_layers
    window += 0 if causal else 1
    kinds = ["sliding_attention"] * config.num_hidden_layers if family == "mistral" else config.layer_types
    return [window if kind == "sliding_attention" else 0 for kind in kinds]


def causal_of(config, family):
    masks = bool(getattr(config, "is_causal", True))
    if family in ("distilbert", "albert", "mpnet", *T5, *BARTS):
        return False
    return family == "gpt_neo" or (masks and (family not in BERTS or bool(config.is_decoder)))


def scales(config, family, head_size):
    usual = 1.0 if family in (*T5, "gpt_neo") else head_size**-0.5
    if family != "gpt2":
        return [usual] * config.num_hidden_layers
    usual = usual if config.scale_attn_weights else 1.0
    return [usual / (i + 1 if config.scale_attn_by_inverse_layer_idx else 1) for i in range(config.n_layer)]


def expected(config):
    """The same of the configuration that transformers makes, for one stack."""
    family, declared = config.model_type, {field.name for field in dataclasses.fields(config)}

    def get(name, other=None):
        # What is not declared is an attribute without meaning, except where the model's code looks for it.
        known = name in declared or name in ("dense_act_fn", "is_gated_act") or (family, name) in (("qwen2", "head_dim"), ("t5", "head_dim"), ("mt5", "head_dim"))
        return getattr(config, name, other) if known else other

    hidden, heads = config.hidden_size, config.num_attention_heads
    head_size = get("head_dim") or hidden // heads
    assert get("head_dim") or hidden % heads == 0
    assert heads % get("num_key_value_heads", 1) == 0
    inner = next(filter(None, (get(name) for name in ("n_inner", "hidden_dim", "ffn_dim", "d_ff", "encoder_ffn_dim", "intermediate_size"))), 4 * hidden)
    causal = causal_of(config, family)
    first = {"opt": 2, "bart": 2, "mbart": 2, "mpnet": 2}.get(family, 0)
    if family in ("roberta", "xlm-roberta", "camembert"):
        first = config.pad_token_id + 1
    positions = 0 if family in T5 else config.max_position_embeddings + (first if family in ("opt", "bart", "mbart") else 0)
    bias = bool(get("attention_bias", family not in (*T5, "gpt_neo", *LLAMAS)))
    made = {
        "layers": config.num_hidden_layers, "heads": heads, "key_heads": get("num_key_value_heads", heads), "head_size": head_size,
        "hidden": hidden, "embedding": get("word_embed_proj_dim", get("embedding_size", hidden)), "inner": inner,
        "vocabulary": config.vocab_size, "types": get("type_vocab_size", 0) if family in BERTS and family != "mpnet" else 0,
        "causal": causal, "positions": positions, "first_position": first, "windows": windows(config, family, causal),
        "scales": scales(config, family, head_size), "max_tokens": positions - first,
        "activation": get("hidden_act", get("activation", get("activation_function", get("dense_act_fn")))),
        "projection_bias": bias or family == "qwen2", "output_bias": bias or family == "gpt_neo",
        "norm_first": family in NORM_FIRST or bool(get("do_layer_norm_before", False)),
        "epsilon": get("layer_norm_eps", get("layer_norm_epsilon", get("rms_norm_eps", 1e-12 if family == "distilbert" else 1e-5))),
        "gated": family in LLAMAS or bool(get("is_gated_act", False)),
    }  # fmt: skip
    if family == "opt":
        made |= dict.fromkeys(("projection_bias", "output_bias", "feed_forward_bias"), bool(config.enable_bias))
        made["final_norm"] = bool(config.do_layer_norm_before) and not config._remove_final_layer_norm
    if family in LLAMAS:
        made["feed_forward_bias"] = bool(get("mlp_bias", False))
    if family == "gpt_neox":
        made["parallel"] = bool(config.use_parallel_residual)
    if family in T5:
        made |= {"buckets": config.relative_attention_num_buckets, "furthest": config.relative_attention_max_distance}
    if family in BARTS:
        made["word_scale"] = hidden**0.5 if config.scale_embedding else 1.0
    if family == "gemma":
        made["word_scale"] = hidden**0.5
    if family not in (*BERTS, "distilbert", *T5, *BARTS):
        made["tied"] = bool(config.tie_word_embeddings)
    if family == "albert":
        groups = [int(i / (config.num_hidden_layers / config.num_hidden_groups)) for i in range(config.num_hidden_layers)]
        made["prefixes"] = [f"encoder.albert_layer_groups.{group}.albert_layers.0." for group in groups]
    if family in (*LLAMAS, "gpt_neox"):
        made["frequencies"], made["rotary_factor"] = rotations(config)
    return made


def expected_decoder(config):
    made = {"causal": bool(getattr(config, "is_causal", True))}
    if config.model_type in T5:
        return made | {"layers": config.num_decoder_layers, "heads": config.num_heads, "inner": config.d_ff}
    assert None not in (config.decoder_layers, config.decoder_ffn_dim, config.encoder_ffn_dim, config.activation_function)
    size = config.hidden_size // config.decoder_attention_heads
    assert config.hidden_size % config.decoder_attention_heads == 0
    return made | {"layers": config.decoder_layers, "heads": config.decoder_attention_heads, "inner": config.decoder_ffn_dim, "head_size": size}


def expected_card(config, stack, decoder):
    """What is known before the model is opened, and what its memory is predicted from."""
    card = {name: stack[name] for name in ("layers", "heads", "hidden", "gated", "causal", "max_tokens")}
    card |= {"window": max(stack["windows"]), "inner": stack["inner"], "head_size": stack["head_size"]}
    if decoder:
        card |= {"decoder_layers": decoder["layers"], "decoder_heads": decoder["heads"], "decoder_causal": decoder["causal"]}
        start = getattr(config, "decoder_start_token_id", None)
        usual = config.pad_token_id if config.model_type == "t5" and not hasattr(config, "decoder_start_token_id") else -1
        card["start"] = usual if start is None and usual is not None else -1 if start is None else start
    return card


def expected_task(config):
    """Of a classifier."""
    if not (config.architectures or [""])[0].endswith("ForSequenceClassification") or config.is_encoder_decoder:
        return None
    usual = "regression" if config.num_labels == 1 else "single_label_classification"
    kinds = ["single_label_classification", "multi_label_classification", "regression"]
    task = {"labels": [config.id2label[i] for i in range(config.num_labels)], "kind": kinds.index(config.problem_type or usual)}
    if config.model_type not in (*BERTS, "distilbert"):
        task["padding_id"] = -1 if config.pad_token_id is None else config.pad_token_id
    return task


def same(got, wanted):
    if isinstance(wanted, (list, np.ndarray)) and len(wanted) and isinstance(wanted[0], (float, np.floating)):
        return len(got) == len(wanted) and np.allclose(got, wanted, rtol=1e-5, atol=0)
    return np.isclose(got, wanted, rtol=1e-6, atol=0) if isinstance(wanted, float) else got == wanted


def differences(got, wanted):
    return [f"{name}: {got.get(name)} instead of {value}" for name, value in wanted.items() if not same(got.get(name), value)]


def read(entries, directory):
    lines = "".join(json.dumps(one) + "\n" for one in entries)
    done = subprocess.run([BUILD / "architecture_dump", directory], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def made_by_transformers(entries):
    """Nothing where transformers refuses the file, or can make no model of it."""
    try:
        config = CONFIG_MAPPING[entries["model_type"]](**{k: v for k, v in json.loads(json.dumps(entries)).items() if k != "model_type"})
        stack = expected(config)
        return config, stack, expected_decoder(config) if config.is_encoder_decoder else None
    except Exception:  # noqa: BLE001 whatever it is
        return None


def faults_of(got, config, stack, decoder):
    if "error" in got["architecture"]:
        return [f"refused: {got['architecture']['error']}"]
    faults = differences(got["architecture"], stack)
    if decoder:
        faults += differences(got["architecture"].get("decoder", {}), decoder)
    if "error" in got["card"]:
        return [*faults, f"card refused: {got['card']['error']}"]
    card = got["card"]
    card["inner"], card["head_size"] = card["inner"] or 4 * card["hidden"], card["head_size"] or card["hidden"] // card["heads"]
    faults += [f"card: {fault}" for fault in differences(card, expected_card(config, stack, decoder))]
    task = expected_task(config)
    return faults + [f"task: {fault}" for fault in differences(got["task"], task)] if task else faults


def whole(family):
    """Every entry with a value of its own."""
    taken = {field.name for field in dataclasses.fields(CONFIG_MAPPING[family])}
    entries = {name: value for name, value in (SIZES | OWN.get(family, {})).items() if name in taken}
    if family in ("electra", "albert"):
        entries["embedding_size"] = 24
    return entries


def other_value(field):
    if field.name in OTHERS:
        return OTHERS[field.name]
    default = None if field.default is dataclasses.MISSING else field.default
    if isinstance(default, bool):
        return not default
    return OTHERS.get(type(default), 4 if "int" in str(field.type) else True if "bool" in str(field.type) else None)


def variants(family):
    full, fields = whole(family), dataclasses.fields(CONFIG_MAPPING[family])
    names = [field.name for field in fields if field.name not in NOT_OF_ATTENTION]
    usual = list(CONFIG_MAPPING[family].attribute_map)
    yield {}
    yield full
    for name in names:
        yield {key: value for key, value in full.items() if key != name}
        yield full | {name: None}
        yield {name: None}
    for field in fields:
        value = other_value(field)
        if field.name in names and value is not None:
            yield full | {field.name: value}
            yield {field.name: value}
    for name in usual:
        yield full | {name: 12}
        yield {name: 12}
    for stray in ("hidden_act", "activation", "activation_function"):
        yield full | {stray: "relu"}
    for stray in ("n_layer", "n_head", "d_model", "n_embd", "dim", "ffn_dim", "n_inner", "hidden_dim", "layer_norm_eps", "rms_norm_eps",
                  "layer_norm_epsilon", "intermediate_size", "n_positions", "num_layers", "encoder_layers", "head_dim"):  # fmt: skip
        yield full | {stray: 1e-3 if "norm" in stray else 24}
    for flag in ("is_causal", "is_decoder", "use_sliding_window", "attention_bias", "scale_embedding", "tie_word_embeddings"):
        for value in (True, False, None):
            yield full | {flag: value}
    classifier = {"architectures": ["XForSequenceClassification"]}
    for padding in ({}, {"pad_token_id": None}, {"pad_token_id": 5}):
        yield full | classifier | padding
    for labels in ({"num_labels": 3}, {"num_labels": 1}, {"id2label": {"0": "a", "1": "b"}}, {"id2label": None}, {"problem_type": "regression"},
                   {"problem_type": None, "id2label": {"0": "a"}}, {"num_labels": 5, "id2label": {"0": "a", "1": "b"}}, {"num_labels": None}):  # fmt: skip
        yield full | classifier | labels
    yield full | {"is_causal": False, "is_decoder": True}
    yield full | {"is_causal": False, "use_sliding_window": True, "sliding_window": 7, "max_window_layers": 2}
    yield full | {"layer_types": ["attention", "sliding_attention"] * 2, "use_sliding_window": True, "sliding_window": 7}
    yield full | {"layer_types": ["sliding_attention"] * 4, "sliding_window": None}


#: Refused by name where transformers makes something of it.
REFUSED = (
    "add_cross_attention true", "is_encoder_decoder true", "is_encoder_decoder false", "inner_group_num other than 1",
    "relative_attention_num_buckets other than 32", "layer_norm_elementwise_affine false", "use_bidirectional_attention true",
    "head_dim other than the width divided by the heads", "relative_attention_max_distance: expected more than",
    "num_hidden_groups: expected 1 to 4", "of which 0 are rotated", "heads do not divide a width",
)  # fmt: skip


def compared(entries, directory):
    """How many of them transformers can make a model of; those are read as it reads them."""
    count, found = 0, []
    for one, got in zip(entries, read(entries, directory), strict=True):
        wanted = made_by_transformers(one)
        if wanted is None:
            continue  # there is nothing to be equal to
        count += 1
        faults = [fault for fault in faults_of(got, *wanted) if not any(name in fault for name in REFUSED)]
        found += [f"{json.dumps(one)}: {fault}" for fault in faults]
    assert not found, "\n".join(found[:20])
    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_entries_mean_what_transformers_takes_them_for(family, tmp_path):
    assert compared([{"model_type": family, **one} for one in variants(family)], tmp_path) > 60


def random_rotation(family, random):
    """A rotation's entries in any of the places where some version has looked for them."""

    def some(value, often=0.5):
        return value if random.random() < often else None

    def entries():
        kind = random.choice(["default", "linear", "dynamic", "yarn", "llama3"])
        factor = random.choice([1.0, 1.5, 4.0, 8, 40.0])
        made = {random.choice(["rope_type", "type"]): str(kind), "factor": float(factor) if kind != "default" else None}
        made |= {"rope_theta": some(float(random.choice([100.0, 1e4, 5e5]))), "original_max_position_embeddings": some(int(random.choice([16, 64, 100])))}
        if kind == "yarn":
            made |= {"attention_factor": some(1.25, 0.2), "beta_fast": some(float(random.choice([0, 8, 32]))), "beta_slow": some(2.0),
                     "mscale": some(float(random.choice([0.0, 0.7, 1.0]))), "mscale_all_dim": some(0.5), "truncate": some(False)}  # fmt: skip
        if kind == "llama3":
            made |= {"low_freq_factor": 1.0, "high_freq_factor": float(random.choice([2, 4]))}
        made = {name: value for name, value in made.items() if value is not None}
        if kind == "yarn" and random.random() < 0.2:
            made |= {str(random.choice(["factor", "truncate", "beta_fast", "mscale", "attention_factor"])): None}
        if family == "gpt_neox" and random.random() < 0.5:
            made["partial_rotary_factor"] = float(random.choice([0.5, 1.0]))
        return made

    made = {}
    for name in ("rope_parameters", "rope_scaling"):
        if random.random() < 0.6:
            made[name] = entries() if random.random() < 0.85 else random.choice([None, {}])
    for name, values in {"rope_theta": [50.0, 1e6], "rotary_emb_base": [60.0], "rotary_pct": [0.5, 1.0], "original_max_position_embeddings": [32]}.items():
        if random.random() < 0.3:
            made[name] = float(random.choice(values)) if name[0] == "r" else int(values[0])
    return made


@pytest.mark.parametrize("family", [*LLAMAS, "gpt_neox"])
def test_random_rotations(family, tmp_path):
    random = np.random.default_rng(FAMILIES.index(family))
    full = whole(family) | {"head_dim": 16, "hidden_size": 96, "num_attention_heads": 6}
    entries = [{"model_type": family, **full, **random_rotation(family, random)} for _ in range(ROTATIONS // 6)]
    assert compared(entries, tmp_path) > len(entries) / 2
