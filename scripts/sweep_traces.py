#!/usr/bin/env python3
"""Exports small random models of many of transformers' architectures, and runs each as attnviz does.

usage: sweep_traces.py [ARCHITECTURE...]     prints a line each, and exits 1 for what is neither exact nor refused in words

It needs build/release/attnviz and build/release/model_dump, and takes some four minutes.
"""
import contextlib
import io
import json
import string
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

import export_model

DUMP = Path(__file__).resolve().parent.parent / "build/release/model_dump"
LENGTHS = [[1], [9], [7, 3, 5]]
USUAL = dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
             max_position_embeddings=66, pad_token_id=0)
GROUPED = dict(USUAL, num_key_value_heads=2)
GPT = dict(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64)
XLM = dict(vocab_size=99, emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=64)
RELATIVE = dict(USUAL, relative_attention=True, pos_att_type=["c2p", "p2c"], max_relative_positions=-1)
EXPERTS = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16)
LATENT = dict(USUAL, num_key_value_heads=4, kv_lora_rank=8, q_lora_rank=8, qk_nope_head_dim=8, qk_rope_head_dim=8, v_head_dim=8,
              moe_intermediate_size=16, n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1)

FAMILIES = {
    "Bert": USUAL, "Roberta": USUAL, "Camembert": USUAL, "XLMRoberta": USUAL, "XLMRobertaXL": USUAL, "Electra": USUAL,
    "Albert": dict(USUAL, embedding_size=16), "MPNet": USUAL, "Deberta": RELATIVE,
    "DebertaV2": dict(RELATIVE, position_buckets=16, norm_rel_ebd="layer_norm", share_att_key=True),
    "ModernBert": dict(USUAL, global_attn_every_n_layers=2, local_attention=8), "NomicBert": USUAL,
    "Esm": dict(USUAL, mask_token_id=2, position_embedding_type="rotary"), "MegatronBert": USUAL, "ConvBert": USUAL,
    "LayoutLM": USUAL, "Ernie": USUAL, "RoFormer": USUAL, "RemBert": USUAL, "Nystromformer": USUAL, "IBert": USUAL,
    "MobileBert": dict(USUAL, embedding_size=32, intra_bottleneck_size=32, true_hidden_size=32),
    "Longformer": dict(USUAL, attention_window=8), "EuroBert": GROUPED,
    "DistilBert": dict(vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64),
    "Llama": GROUPED, "Mistral": GROUPED, "Qwen2": GROUPED, "Qwen3": dict(GROUPED, head_dim=8),
    "Gemma": dict(GROUPED, head_dim=8), "Gemma2": dict(GROUPED, head_dim=8), "SmolLM3": GROUPED, "StableLm": GROUPED,
    "GPTNeoX": USUAL, "Phi": USUAL, "Olmo": USUAL, "Falcon": USUAL, "GPT2": GPT, "GPTJ": dict(GPT, rotary_dim=4),
    "GPTNeo": dict(vocab_size=99, hidden_size=32, num_layers=2, num_heads=4, max_position_embeddings=64, window_size=8,
                   attention_types=[[["global", "local"], 1]]),
    "Bloom": dict(vocab_size=99, hidden_size=32, n_layer=2, n_head=4),
    "OPT": dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64,
                max_position_embeddings=64, word_embed_proj_dim=32),
    "XLNet": dict(vocab_size=99, d_model=32, n_layer=2, n_head=4, d_inner=64), "XLM": XLM, "Flaubert": XLM,
    "CTRL": dict(GPT, dff=64),
    "Mpt": dict(vocab_size=99, d_model=32, n_layers=2, n_heads=4, max_seq_len=64), "GPTBigCode": GPT,
    "Canine": USUAL, "BigBird": USUAL, "SqueezeBert": dict(USUAL, embedding_size=32),
    "Yoso": USUAL, "FNet": USUAL, "CodeGen": dict(GPT, rotary_dim=4), "Phi3": GROUPED, "Cohere": GROUPED, "Granite": GROUPED,
    "Olmo2": GROUPED, "Starcoder2": GROUPED, "Gemma3Text": dict(GROUPED, head_dim=8), "Mamba": dict(vocab_size=99, hidden_size=32),
    "Jamba": dict(GROUPED, num_experts=2), "Reformer": dict(vocab_size=99), "Rwkv": dict(vocab_size=99, hidden_size=32),
    "Mixtral": dict(GROUPED, num_local_experts=4), "GptOss": dict(GROUPED, head_dim=8, num_local_experts=4),
    "Qwen2Moe": dict(GROUPED, **EXPERTS), "Qwen3Moe": dict(GROUPED, head_dim=8, **EXPERTS), "Olmoe": dict(GROUPED, **EXPERTS),
    "GraniteMoe": dict(GROUPED, num_local_experts=4), "JetMoe": dict(GROUPED, kv_channels=8),
    "DeepseekV2": LATENT, "DeepseekV3": dict(LATENT, first_k_dense_replace=1),
    "Llama4Text": dict(GROUPED, head_dim=8, num_local_experts=4, intermediate_size_mlp=64),
    "T5": dict(vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0),
    "Bart": dict(vocab_size=99, d_model=32, encoder_layers=2, decoder_layers=2),
}  # fmt: skip


def save(name, directory):
    """A random checkpoint whose weights are large enough for sharp attention, and a tokenizer."""
    torch.manual_seed(1)
    config = getattr(transformers, name + "Config")(**FAMILIES[name])
    model = transformers.AutoModel.from_config(config, attn_implementation="eager")
    size = 0.3 if name == "MobileBert" else 1.5  # which has no norms that would keep its states small
    with torch.no_grad():
        for parameter in filter(lambda parameter: parameter.requires_grad, model.parameters()):
            scale = size / parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 0.1
            parameter.add_(torch.randn_like(parameter) * scale)
    model.save_pretrained(directory)
    letters = string.ascii_lowercase
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *".,!?"]
    (directory / "vocab.txt").write_text("\n".join(words) + "\n")


def difference(source, exported, folder):
    """The largest one between the program's attention and the model's own, each text alone."""
    model = export_model.load(str(source))
    torch.manual_seed(2)
    requests = [[torch.randint(1, model.config.vocab_size, (length,)).tolist() for length in lengths] for lengths in LENGTHS]
    lines = "".join(json.dumps({"ids": ids, "types": [[0] * len(text) for text in ids]}) + "\n" for ids in requests)
    folder.mkdir()
    done = subprocess.run([DUMP, exported, "torchscript", folder], input=lines, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr.splitlines()[0])
    largest = 0.0
    for number, texts in enumerate(requests):
        for place, ids in enumerate(texts):
            got = load_file(folder / f"{number}.{place}.safetensors")["attention"]
            with torch.no_grad():
                expected = torch.cat(export_model.attentions_of(model, torch.tensor([ids]), torch.ones(1, len(ids)).long()))
            largest = max(largest, (got - expected).abs().max().item())
    return largest


def exported(name, top):
    """What the exporter says, and what the program makes of its export; and whether that is as it should be."""
    save(name, top / "source")
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = export_model.main([str(top / "source"), "-o", str(top / "out")])
    if status == 0:
        largest = difference(top / "source", top / "out", top / "dump")
        return f"written; attnviz differs from eager attention by {largest:.1e}", largest <= export_model.TOLERANCE
    refusal = said.getvalue().replace(f"{top}/", "").split("export_model: ")[-1].split("\n")
    left = {path.name for path in top.iterdir()} - {"source"}
    return f"status {status}: {' '.join(refusal)}", status == 2 and not left


def main(names):
    export_model.quiet_libraries()
    warnings.simplefilter("ignore")
    faults = 0
    for name in names or FAMILIES:
        with tempfile.TemporaryDirectory() as directory:
            try:
                said, fine = exported(name, Path(directory))
            except Exception as error:
                said, fine = f"FAULT: {type(error).__name__}: {export_model.cause_of(error)}", False
        faults += not fine
        print(f"{name:16}{'' if fine else '! '}{said}", flush=True)
    return faults > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
