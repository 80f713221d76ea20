"""Every entry of a configuration that transformers' model code looks at is read by the family's own source, refused by
name, or harmless to attention for a reason that stands here: so it stays when transformers is upgraded."""

import ast
import functools
import importlib.util
from pathlib import Path

import pytest
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

SOURCES = Path(__file__).resolve().parent.parent / "src/model/torch"
SHARED = ("architecture.cc", "rotary.cc", "task.cc", "families/families.h")
BERTS = dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra", "albert", "mpnet"), ("bert.cc",))
LLAMAS = dict.fromkeys(("llama", "mistral", "qwen2", "qwen3", "gemma"), ("llama.cc",))
BARTS = dict.fromkeys(("bart", "mbart", "marian", "pegasus", "blenderbot"), ("bart.cc",))
FILES = {**BERTS, **LLAMAS, **BARTS, "distilbert": (), "t5": (), "mt5": ("t5.cc",), "gpt2": (), "gpt_neo": (), "gpt_neox": (), "opt": ()}
CALLED = {"xlm-roberta": "roberta.cc", "camembert": "roberta.cc", "qwen2": "qwen.cc", "qwen3": "qwen.cc"}

#: Attributes that a configuration computes of another entry.
COMPUTED = {"dense_act_fn": "feed_forward_proj", "is_gated_act": "feed_forward_proj", "attention_layers": "attention_types"}
HARMLESS = {
    "only while training": {"attention_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob", "hidden_dropout", "dropout",
                            "dropout_rate", "activation_dropout", "attn_pdrop", "embd_pdrop", "resid_pdrop", "embed_dropout",
                            "resid_dropout", "classifier_dropout", "classifier_dropout_prob", "seq_classif_dropout", "qa_dropout",
                            "summary_first_dropout", "summary_last_dropout", "layerdrop", "encoder_layerdrop", "decoder_layerdrop",
                            "gradient_checkpointing"},
    "how weights are made that no file holds": {"initializer_factor", "initializer_range", "init_std"},
    "how the same numbers are computed": {"_attn_implementation", "chunk_size_feed_forward", "use_cache", "reorder_and_upcast_attn",
                                          "_is_quantized", "dtype", "standardize_rope_params", "validate_rope"},
    "what is given back": {"return_dict", "output_attentions", "output_hidden_states"},
    "heads that attnviz has no predictions of": {"summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels",
                                                 "scale_decoder_outputs"},
    "texts that attnviz does not make": {"eos_token_id"},
    "the card reads it": {"decoder_start_token_id"},
    "the embedding's file holds what it computes": {"sinusoidal_pos_embds"},
    "its presence alone, for widths that the heads do not divide": {"embedding_size"},
    "a method, which gives the configuration itself": {"get_text_config"},
    "masks of other families": {"attention_chunk_size"},
}  # fmt: skip


@functools.cache
def looked_at(module):
    """Names of attributes of anything called config."""
    tree = ast.parse(Path(importlib.util.find_spec(f"transformers.{module}").origin).read_text())

    def is_config(node):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        return name.endswith("config")

    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_config(node.value):
            found.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "hasattr"):
            if is_config(node.args[0]) and isinstance(node.args[1], ast.Constant):
                found.add(node.args[1].value)
    return found


@pytest.mark.parametrize("family", FILES)
def test_all_that_the_model_code_looks_at_is_accounted_for(family):
    own = CALLED.get(family, f"{family}.cc")
    paths = [SOURCES / name for name in SHARED] + [SOURCES / "families" / name for name in (*FILES[family], own) if (SOURCES / "families" / name).exists()]
    text = "".join(path.read_text() for path in paths)
    name, aliases = family.replace("-", "_"), CONFIG_MAPPING[family].attribute_map
    modules = [f"models.{name}.modeling_{name}", "masking_utils", *(["modeling_rope_utils"] if family in (*LLAMAS, "gpt_neox") else [])]
    names = {COMPUTED.get(entry, aliases.get(entry, entry)) for module in modules for entry in looked_at(module)}
    names -= set().union(*HARMLESS.values())
    # What only masking_utils looks at here; and which of the two stacks a module is part of.
    names -= {"qwen2": set(), "qwen3": set(), "mistral": {"layer_types"}}.get(family, {"sliding_window", "layer_types"})
    names -= {"is_decoder"} if family in BARTS or family in ("t5", "mt5") else set()
    assert len(names) > 8
    assert not sorted(entry for entry in names if f'"{entry}"' not in text)
