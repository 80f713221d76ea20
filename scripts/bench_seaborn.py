#!/usr/bin/env python3
"""One annotated attention heatmap as a notebook makes it: transformers (eager) and seaborn.

usage: bench_seaborn.py MODEL_DIRECTORY LAYER HEAD TEXT OUT.png [OUT.npy]

scripts/bench times attnviz against it; OUT.npy receives the numbers, for the comparison before.
"""
import sys

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from transformers import AutoModel, AutoTokenizer

directory, layer, head, text, picture, *numbers = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(directory)
model = AutoModel.from_pretrained(directory, attn_implementation="eager", dtype=torch.float32).eval()
inputs = tokenizer(text, return_tensors="pt")
with torch.no_grad():
    attention = model(**inputs, output_attentions=True).attentions[int(layer) - 1][0, int(head)].numpy()
tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
if numbers:
    np.save(numbers[0], attention)
    sys.exit()

plt.figure(figsize=(12, 10))
sns.heatmap(attention, xticklabels=tokens, yticklabels=tokens, cmap="Blues", annot=True, fmt=".2f",
            square=True, cbar_kws={"label": "Attention Weight"})
plt.xlabel("Keys (attending to)")
plt.ylabel("Queries (attending from)")
plt.title(f"Layer {layer}, Head {head}")
plt.xticks(rotation=45, ha="right")
plt.tight_layout()
plt.savefig(picture, dpi=150, bbox_inches="tight")
