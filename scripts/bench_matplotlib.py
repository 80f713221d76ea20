#!/usr/bin/env python3
"""A layer's heads as annotated heatmaps, drawn by matplotlib: prints the milliseconds from data to file.

usage: bench_matplotlib.py ATTENTION.json OUT.png      (attnviz extract --layers N -o ATTENTION.json)

scripts/bench times attnviz against it. Imports, fonts and a first small figure are left out of the time.
"""
import json
import sys
import time

import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def draw(attention, tokens, path):
    heads = len(attention)
    figure, axes = plt.subplots((heads + 3) // 4, min(heads, 4), figsize=(20.8, 15.6), squeeze=False)
    for head, axis in enumerate(axes.flat[:heads]):
        image = axis.imshow(attention[head], cmap="Blues", vmin=0, vmax=attention.max())
        for (row, column), weight in np.ndenumerate(attention[head]):
            axis.text(column, row, f"{weight:.2f}", ha="center", va="center", fontsize=5,
                      color="white" if weight > attention.max() / 2 else "black")
        axis.set_title(f"Head {head}")
        if head % 4 == 0:
            axis.set_yticks(range(len(tokens)), tokens)
        if head + 4 >= heads:
            axis.set_xticks(range(len(tokens)), tokens, rotation=45, ha="right")
    figure.colorbar(image, ax=axes)
    figure.savefig(path, dpi=150)
    plt.close(figure)


with open(sys.argv[1], encoding="utf8") as file:
    extracted = json.load(file)
attention = np.array(extracted["attention"], dtype=np.float32)[0]
tokens = json.loads(extracted["provenance"]["tokens"])
draw(attention[:1, :2, :2], tokens[:2], sys.argv[2])
started = time.perf_counter()
draw(attention, tokens, sys.argv[2])
print(1000 * (time.perf_counter() - started))
