#!/usr/bin/env python3
"""Exports a Hugging Face model to TorchScript for attnviz, with proof that its attention is unchanged."""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

TOLERANCE = 1e-5  # the largest difference from eager attention that is written
MANIFEST = "attnviz.json"
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model",
)  # fmt: skip
MODEL_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json", "model.pt", *TOKENIZER_FILES)


class ExportError(Exception):
    """What went wrong, in words for the user."""


def say(message: str) -> None:
    print(f"export_model: {message}", file=sys.stderr, flush=True)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def quiet_libraries() -> None:
    """Loading a bare encoder from a fine-tuned checkpoint is what is meant here, not worth a report."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)


def load(source: str):
    """The model of `source` (a directory or a hub id) in float32 with eager attention."""
    import torch
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(source)
        if config.is_encoder_decoder:
            raise ExportError(f"{source}: {config.model_type} is an encoder-decoder model, expected one stack")
        # In float32 from the start: what a model computes when it is made, it would keep as it was rounded.
        model = AutoModel.from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager")
    except (OSError, ValueError, RuntimeError) as error:
        raise ExportError(f"{source}: transformers can't load it: {str(error).splitlines()[0]}") from error
    return model.eval()


def takes_types(model) -> bool:
    """Whether the model tells the sentences of a pair apart by token types."""
    return getattr(model.config, "type_vocab_size", 0) > 1


def positions(model) -> int:
    """The most tokens of a sentence; 0 where the model has no limit of its own."""
    limit = getattr(model.config, "max_position_embeddings", 0)
    # RoBERTa and its kin count positions from the padding id onwards.
    padding = getattr(getattr(model, "embeddings", None), "padding_idx", None)
    return limit if padding is None else limit - padding - 1


def attentions_of(model, ids, mask, types=None):
    arguments = {"input_ids": ids, "attention_mask": mask, "output_attentions": True, "return_dict": True}
    if types is not None:
        arguments["token_type_ids"] = types
    if getattr(model.config, "use_cache", False):
        arguments["use_cache"] = False
    return tuple(model(**arguments).attentions)


def make_wrapper(model):
    """The module that is traced: token ids and mask (and types) in, one tensor a layer out."""
    from torch import nn

    class Attentions(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return attentions_of(self.model, input_ids, attention_mask)

    class AttentionsOfTyped(Attentions):
        def forward(self, input_ids, attention_mask, token_type_ids):
            return attentions_of(self.model, input_ids, attention_mask, token_type_ids)

    return (AttentionsOfTyped if takes_types(model) else Attentions)().eval()


def make_input(model, lengths, seed=0):
    """A padded batch of random sentences of `lengths`; where types are told apart, of pairs."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    padding = model.config.pad_token_id or 0
    size = (len(lengths), max(lengths))
    ids = torch.randint(0, model.config.vocab_size, size, generator=generator)
    ids[ids == padding] = (padding + 1) % model.config.vocab_size
    mask = torch.arange(size[1])[None, :] < torch.tensor(lengths)[:, None]
    ids[~mask] = padding
    if not takes_types(model):
        return ids, mask.long()
    halves = torch.tensor(lengths)[:, None] // 2
    return ids, mask.long(), ((torch.arange(size[1])[None, :] >= halves) & mask).long()


def operators_of_functions():
    """Autograd functions written in Python, which no trace can hold, run as the operators of their forward."""
    import torch

    def apply(function, *arguments):
        has_context = function.setup_context is torch.autograd.Function.setup_context
        return function.forward(*([mock.MagicMock()] if has_context else []), *arguments)

    return mock.patch.object(torch.autograd.Function, "apply", classmethod(apply))


def trace(model):
    """Traced with dynamic batch and length; compare() proves that."""
    import torch

    wrapper = make_wrapper(model)
    try:
        with torch.no_grad(), operators_of_functions(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constants in the trace are what compare() looks for
            return torch.jit.trace(wrapper, make_input(model, [9, 5]), check_trace=False)
    except Exception as error:
        raise ExportError(f"{model.config.model_type}: can't be traced: {error}") from error


def save(traced, path: Path) -> None:
    try:
        traced.save(str(path))
    except RuntimeError as error:
        raise ExportError(f"{path}: can't be saved: {str(error).strip().splitlines()[0]}") from error


def shapes(model) -> list:
    """Sentence lengths of the batches compared: alone, in batches, padded, and as long as can be."""
    limit = positions(model)
    batches = [[2], [11], [7, 3, 7], [23, 10], [1, 4, 16, 9], [64], [limit or 512]]
    return [[min(length, limit or length) for length in batch] for batch in batches]


def largest_difference(mine, other) -> float:
    """NaN differs from everything but NaN."""
    difference = (mine - other).abs()
    difference[mine.isnan() & other.isnan()] = 0
    return difference.nan_to_num(nan=float("inf"), posinf=float("inf")).max().item()


def compare(traced, model, report=say) -> float:
    """The largest difference between the traced module's and the model's eager attention; each
    padded sentence is compared with itself alone as well."""
    import torch

    largest = 0.0
    for seed, lengths in enumerate(shapes(model)):
        inputs = make_input(model, lengths, seed)
        try:
            with torch.no_grad():
                got, expected = traced(*inputs), attentions_of(model, *inputs)
        except RuntimeError as error:
            raise ExportError(f"the trace fails on a batch of {lengths} tokens: {error}") from error
        if [layer.shape for layer in got] != [layer.shape for layer in expected]:
            raise ExportError(f"the trace gives other shapes than the model for a batch of {lengths} tokens")
        difference = 0.0
        for row, length in enumerate(lengths):
            with torch.no_grad():
                alone = attentions_of(model, *(tensor[row : row + 1, :length] for tensor in inputs))
            for layer, reference in enumerate(expected):
                mine = got[layer][row, :, :length, :length]
                for other in (reference[row, :, :length, :length], alone[layer][0]):
                    difference = max(difference, largest_difference(mine, other))
        report(f"compare: {len(lengths)} × {max(lengths)} tokens: largest difference {difference:.1e}")
        if not difference <= TOLERANCE:
            raise ExportError(
                f"attention differs by {difference:.1e} from eager attention for a batch of {lengths} tokens, "
                f"expected at most {TOLERANCE:g}; nothing was written"
            )
        largest = max(largest, difference)
    return largest


def is_causal(model) -> bool:
    import torch

    with torch.no_grad():
        layers = attentions_of(model, *make_input(model, [8]))
    return all(layer.nan_to_num(0).triu(1).count_nonzero() == 0 for layer in layers)  # NaN tells nothing of it


def manifest(model, name: str, source: str) -> dict:
    import torch
    import transformers

    config = model.config
    causal = is_causal(model)
    limit = positions(model)
    return {
        "format": 1,
        "name": name,
        "architecture": config.model_type,
        "source": source,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "hidden": config.hidden_size,
        **({"max_tokens": limit} if limit else {}),
        "causal": causal,
        "pair": not causal,
        "sha256": {},
        "exporter": f"transformers {transformers.__version__}",
        "torch": torch.__version__,
    }


def copy_tokenizer(source: str, directory: Path) -> None:
    """The tokenizer's files as they are; written anew by transformers only where attnviz could not
    read them as they are."""
    if Path(source).is_dir():
        found = Path(source)
    else:
        from huggingface_hub import snapshot_download

        found = Path(snapshot_download(source, allow_patterns=list(TOKENIZER_FILES)))
    for pattern in TOKENIZER_FILES:
        for path in found.glob(pattern):
            shutil.copyfile(path, directory / path.name)
    have = {path.name for path in directory.iterdir()}
    if have & {"tokenizer.json", "vocab.txt"} or {"vocab.json", "merges.txt"} <= have:
        return
    from transformers import AutoTokenizer

    try:
        AutoTokenizer.from_pretrained(source).save_pretrained(directory)
    except Exception as error:
        raise ExportError(f"{source}: has no tokenizer that can be read: {error}") from error


def write_manifest(directory: Path, contents: dict) -> None:
    """Lists the digest of every file that a run reads; comes last, under its name only when complete."""
    files = {path for pattern in MODEL_FILES for path in directory.glob(pattern)}
    contents["sha256"] = {path.name: sha256_of(path) for path in sorted(files)}
    part = directory / f"{MANIFEST}.part"
    part.write_text(json.dumps(contents, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, directory / MANIFEST)


def export_beside(directory: Path, name: str, source: str, report=say) -> dict:
    """Exports the checkpoint in `directory` into the same directory: model.pt and the manifest."""
    model = load(str(directory))
    report(f"trace {name}: {model.config.model_type}, {model.config.num_hidden_layers} layers")
    traced = trace(model)
    compare(traced, model, report)
    part = directory / "model.pt.part"
    save(traced, part)
    (directory / MANIFEST).unlink(missing_ok=True)  # until all is new again, it would be wrong
    os.replace(part, directory / "model.pt")
    contents = manifest(model, name, source)
    write_manifest(directory, contents)
    return contents


def export(source: str, target: Path, name: str, force: bool) -> None:
    """Exports into a new directory, which appears under its name only when complete."""
    say(f"load {source}")
    model = load(source)
    say(f"trace {model.config.model_type}, {model.config.num_hidden_layers} layers")
    traced = trace(model)
    say(f"largest difference from eager attention {compare(traced, model):.1e}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.", suffix=".part") as staging:
        new, old = Path(staging) / "new", Path(staging) / "old"
        new.mkdir()
        save(traced, new / "model.pt")
        copy_tokenizer(source, new)
        write_manifest(new, manifest(model, name, source))
        if target.exists() and force:
            os.rename(target, old)
        os.rename(new, target)
    say(f"{target} written: attnviz render --model {target} --layer 1 --head 0 \"a sentence\"")


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, epilog=(
        "The module takes input_ids, attention_mask (and token_type_ids) and gives one "
        "[batch, heads, queries, keys] tensor a layer, at any batch size and length. It is compared with the "
        f"original's eager attention first; nothing is written that differs by more than {TOLERANCE:g}."))
    parser.add_argument("source", metavar="ID_OR_DIRECTORY", help="a model of the Hugging Face hub, or a checkpoint's directory")
    parser.add_argument("-o", "--output", metavar="DIRECTORY", type=Path, help="where to write it (default: models/NAME)")
    parser.add_argument("--name", help="the model's name (default: the output directory's, else the source's)")
    parser.add_argument("--force", action="store_true", help="replace an output directory that exists")
    return parser.parse_args(argv)


def main(argv=None) -> int:
    options = arguments(argv)
    source_name = Path(options.source).resolve().name if Path(options.source).is_dir() else options.source.split("/")[-1]
    target = options.output or Path(__file__).resolve().parent.parent / "models" / (options.name or source_name)
    name = options.name or target.resolve().name
    try:
        in_place = target.exists() and Path(options.source).is_dir() and target.samefile(options.source)
        if target.exists() and not in_place and not options.force:
            raise ExportError(f"{target}: exists already; --force replaces it, -o names another place")
        quiet_libraries()
        if in_place:
            export_beside(target, name, options.source)
            say(f"{target / 'model.pt'} written")
        else:
            export(options.source, target, name, options.force)
    except (ExportError, OSError) as error:
        say(str(error))
        return 2
    except ImportError as error:
        say(f"{error}; install torch, transformers and safetensors (scripts/attnviz does)")
        return 2
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
