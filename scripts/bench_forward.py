#!/usr/bin/env python3
"""How near a forward pass comes to plain matrix products of its shapes, and what threads give it: for scripts/bench.

usage: bench_forward.py FORWARD_BENCH BERT_MODEL RUNS      FORWARD_BENCH: the program of tests/forward_bench.cc

The products are PyTorch's own in float32, of the libtorch that attnviz uses. The two sides run in turn, each in its
process; a first round, in which they read their weights and touch their memory, does not count.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

# As the program sets them for itself, before libtorch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

import torch  # noqa: E402


class Forward:
    """The program of tests/forward_bench.cc, waiting for its next batch."""

    def __init__(self, program, model, threads):
        self.process = subprocess.Popen([program, model, str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def cost(self, sentences, tokens):
        """Wall seconds, and processor seconds of all threads."""
        print(sentences, tokens, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(self.process.wait() or "forward_bench ended")
        return tuple(map(float, line.split()))


class Product:
    """[batch, rows, inner] × [batch, inner, columns], its second factor stored as a checkpoint's weight or the keys
    are, with the inner dimension last; so many times, the result's memory used again and again."""

    def __init__(self, times, batch, rows, inner, columns):
        self.times = times
        self.left = torch.rand(batch, rows, inner)
        self.right = torch.rand(batch, columns, inner).transpose(1, 2)
        self.result = torch.empty(batch, rows, columns)
        self.flop = 2 * times * self.left.numel() * columns

    def compute(self):
        for _ in range(self.times):
            if len(self.left) > 1:
                torch.bmm(self.left, self.right, out=self.result)
            else:
                torch.mm(self.left[0], self.right[0], out=self.result[0])


def products_of(config, sentences, tokens):
    """What a run for the maps of the last layer multiplies: all of the layers before, and that one's queries, keys
    and scores."""
    before, hidden, wide = config["num_hidden_layers"] - 1, config["hidden_size"], config["intermediate_size"]
    rows, maps = sentences * tokens, sentences * config["num_attention_heads"]
    head_size = hidden // config["num_attention_heads"]
    return [Product(4 * before + 2, 1, rows, hidden, hidden),
            Product(before, 1, rows, hidden, wide),
            Product(before, 1, rows, wide, hidden),
            Product(before + 1, maps, tokens, head_size, tokens),
            Product(before, maps, tokens, tokens, head_size)]


def cost_of(products):
    wall, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for product in products:
            product.compute()
    return time.perf_counter() - wall, time.process_time() - processor


def compare_with_products(forward, config, threads, runs):
    shape = (32, 64)
    torch.set_num_threads(threads)
    products = products_of(config, *shape)
    rounds = [(forward.cost(*shape), cost_of(products)) for _ in range(runs + 1)][1:]
    flop = sum(product.flop for product in products)
    print(f"  {shape[0]} × {shape[1]} tokens, maps of the last layer, {threads} threads:", end=" ")
    told = []
    for name, seconds in (("wall", 0), ("processor", 1)):
        ours, plain = ([side[seconds] for side in sides] for sides in zip(*rounds))
        shares = [100 * theirs / our for our, theirs in zip(ours, plain)]
        told.append(f"{flop / statistics.median(ours) / 1e9:.0f} GFLOP a second of {name} time, plain products "
                    f"{flop / statistics.median(plain) / 1e9:.0f}: {statistics.median(shares):.1f} % "
                    f"({min(shares):.1f} to {max(shares):.1f})")
    print("; ".join(told))


def compare_threads(forwards, runs):
    for sentences, tokens in ((1, 8), (1, 64), (32, 64)):
        repeats = runs if sentences > 1 else 5 * runs
        rounds = [[1000 * forward.cost(sentences, tokens)[0] for forward in forwards] for _ in range(repeats + 1)][1:]
        told = " ".join(f"{statistics.median(times):.3g} ({min(times):.3g})" for times in zip(*rounds))
        print(f"  {sentences} × {tokens} tokens, median ms (least) with 1, 2, … threads: {told}")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    program, model, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    most = torch.get_num_threads()
    forwards = [Forward(program, model, threads) for threads in range(1, most + 1)]
    config = json.loads(pathlib.Path(model, "config.json").read_text(encoding="utf8"))
    compare_with_products(forwards[-1], config, most, runs)
    compare_threads(forwards, runs)


if __name__ == "__main__":
    main()
