#!/usr/bin/env python3
"""What attnviz does with a file of sentences, as a Python loop does it: scripts/bench times one against the other.

usage: bench_sentences.py draw MODEL LAYER HEAD FILE DIRECTORY      transformers (eager) and seaborn, one by one
       bench_sentences.py extract MODEL LAYERS FILE DIRECTORY       transformers (eager), in batches by length; LAYERS: 6 or all
       bench_sentences.py tokens MODEL FILE                         tokenizers, one JSON object a line on stdout

Prints (tokens: on stderr) the seconds from the first sentence to the last file, without imports and loading the model.
"""
import json
import os
import pathlib
import sys
import time

BATCH = 32


def sentences_of(file):
    return pathlib.Path(file).read_text(encoding="utf8").splitlines()


def load(directory):
    import torch
    from transformers import AutoModel, AutoTokenizer
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.set_grad_enabled(False)
    model = AutoModel.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32).eval()
    return AutoTokenizer.from_pretrained(directory), model


def draw(directory, layer, head, file, out):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import seaborn as sns
    tokenizer, model = load(directory)
    started = time.perf_counter()
    for index, text in enumerate(sentences_of(file)):
        inputs = tokenizer(text, return_tensors="pt")
        attention = model(**inputs, output_attentions=True).attentions[int(layer) - 1][0, int(head)].numpy()
        tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
        plt.figure(figsize=(12, 10))
        sns.heatmap(attention, xticklabels=tokens, yticklabels=tokens, cmap="Blues", annot=True, fmt=".2f",
                    square=True, cbar_kws={"label": "Attention Weight"})
        plt.xlabel("Keys (attending to)")
        plt.ylabel("Queries (attending from)")
        plt.title(f"Layer {layer}, Head {head}")
        plt.xticks(rotation=45, ha="right")
        plt.tight_layout()
        plt.savefig(f"{out}/{index:06d}.png", dpi=150, bbox_inches="tight")
        plt.close()
    print(time.perf_counter() - started)


def extract(directory, layers, file, out):
    import torch
    from safetensors.torch import save_file
    tokenizer, model = load(directory)
    started = time.perf_counter()
    texts = sentences_of(file)
    ids = tokenizer(texts)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(ids[i]))
    for begin in range(0, len(order), BATCH):
        batch = order[begin:begin + BATCH]
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt")
        attentions = model(**inputs, output_attentions=True).attentions
        if layers != "all":
            attentions = attentions[int(layers) - 1:int(layers)]
        attention = torch.stack(attentions, dim=1)
        for row, index in enumerate(batch):
            count = len(ids[index])
            save_file({"attention": attention[row, :, :, :count, :count].contiguous()},
                      f"{out}/{index:06d}.safetensors", {"text": texts[index]})
    print(time.perf_counter() - started)


def tokens(directory, file):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{directory}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    started = time.perf_counter()
    texts = sentences_of(file)
    for index, (text, encoding) in enumerate(zip(texts, tokenizer.encode_batch(texts))):
        print(json.dumps({"index": index, "text": text, "model": pathlib.Path(directory).name,
                          "tokens": encoding.tokens, "ids": encoding.ids, "positions": list(range(len(encoding.ids))),
                          "types": encoding.type_ids, "offsets": encoding.offsets,
                          "special": [mask == 1 for mask in encoding.special_tokens_mask]},
                         ensure_ascii=False, separators=(",", ":")))
    print(time.perf_counter() - started, file=sys.stderr)


{"draw": draw, "extract": extract, "tokens": tokens}[sys.argv[1]](*sys.argv[2:])
