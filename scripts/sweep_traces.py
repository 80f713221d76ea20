#!/usr/bin/env python3
"""Traces small random models of many of transformers' architectures, and looks whether attnviz would run them all.

usage: sweep_traces.py [ARCHITECTURE...]     prints one line each, and exits 1 when one is refused

It needs build/release/catalog_files, and takes some two minutes.
"""
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers

import export_model

TOP = Path(__file__).resolve().parent.parent
LOOK = TOP / "build/release/catalog_files"
USUAL = dict(vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
             max_position_embeddings=66, pad_token_id=0)
GROUPED = dict(USUAL, num_key_value_heads=2)
GPT = dict(vocab_size=99, n_embd=32, n_layer=2, n_head=4, n_positions=64)
XLM = dict(vocab_size=99, emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=64)
T5 = dict(vocab_size=99, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0)
BART = dict(vocab_size=99, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64)
RELATIVE = dict(USUAL, relative_attention=True, pos_att_type=["c2p", "p2c"], max_relative_positions=-1)

# Not mixtures of experts: their torch._grouped_mm trusts its offsets.
ENCODERS_AND_DECODERS = {
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
}  # fmt: skip


class BothStacks(torch.nn.Module):
    """An encoder-decoder that reads the same text twice."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "decoder_input_ids": input_ids}
        got = self.model(**given, output_attentions=True, use_cache=False, return_dict=True)
        return (*got.encoder_attentions, *got.decoder_attentions, *got.cross_attentions)


def traced(name):
    if name in ENCODERS_AND_DECODERS:
        config = getattr(transformers, name + "Config")(**ENCODERS_AND_DECODERS[name])
        model = transformers.AutoModel.from_config(config, attn_implementation="eager").float().eval()
        return export_model.trace(model)
    config = transformers.T5Config(**T5) if name == "T5" else transformers.BartConfig(**BART)
    model = getattr(transformers, name + "Model")._from_config(config, attn_implementation="eager")
    ids = torch.randint(3, 90, (2, 9))
    return torch.jit.trace(BothStacks(model).eval(), (ids, torch.ones_like(ids)), check_trace=False)


def verdict(name, path):
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced(name).save(path)
    except Exception as error:
        return f"can't be traced: {str(error).splitlines()[0]}"
    return subprocess.run([LOOK, "program", path], capture_output=True, text=True, check=True).stdout.strip()


def main(names):
    export_model.quiet_libraries()
    faults = 0
    with tempfile.TemporaryDirectory() as directory:
        for name in names or [*ENCODERS_AND_DECODERS, "T5", "Bart"]:
            said = verdict(name, Path(directory) / f"{name}.pt")
            faults += "not run" in said
            print(f"{name:16}{said}", flush=True)
    return faults > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
