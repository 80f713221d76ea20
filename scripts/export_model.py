#!/usr/bin/env python3
"""Exports a Hugging Face model to TorchScript for attnviz, with proof that its attention is unchanged."""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

TOP = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-5  # the largest difference from eager attention that is written
MANIFEST = "attnviz.json"
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model",
)  # fmt: skip
BY_LENGTH = "a trace can't follow code that decides by a text's length; README's table names what traces, and what needs no trace"
MODEL_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json", "model.pt", *TOKENIZER_FILES)


class ExportError(Exception):
    """What went wrong, in words for the user, and what to do."""

    def __init__(self, what: str, hint: str = ""):
        super().__init__(what + (f"\n  hint: {hint}" if hint else ""))


def cause_of(error: Exception) -> str:
    """The line that tells what happened: of TorchScript the last, behind where it happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if "TorchScript" in lines[0] else 0]


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
        if getattr(config, "is_encoder_decoder", False):
            raise ExportError(
                f"{source}: {config.model_type} is an encoder-decoder model, expected one stack",
                "attnviz runs T5, mT5, BART, mBART, Marian, Pegasus and Blenderbot from their checkpoints, without an export",
            )
        # In float32 from the start: what a model computes when it is made, it would keep as it was rounded.
        model = AutoModel.from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager")
    except ExportError:
        raise
    except Exception as error:  # of transformers, of safetensors, or of what either calls
        raise ExportError(
            f"{source}: transformers can't load it: {cause_of(error)}",
            "name a directory with config.json and model.safetensors, or a model of the Hugging Face hub",
        ) from error
    return model.eval()


def takes_types(model) -> bool:
    """Whether the model tells the sentences of a pair apart by token types."""
    return getattr(model.config, "type_vocab_size", 0) > 1


def positions(model) -> int:
    """The most tokens of a sentence; 0 where the model has no limit of its own."""
    limits = (getattr(model.config, name, None) for name in ("max_position_embeddings", "max_seq_len"))
    limit = next((limit for limit in limits if limit and limit > 0), 0)  # XLNet says -1
    # RoBERTa and its kin count positions from the padding id onwards.
    padding = getattr(getattr(model, "embeddings", None), "padding_idx", None)
    return limit if padding is None else limit - padding - 1


def attentions_of(model, input_ids, attention_mask=None, token_type_ids=None):
    arguments = {"input_ids": input_ids, "attention_mask": attention_mask, "output_attentions": True, "return_dict": True}
    if token_type_ids is not None:
        arguments["token_type_ids"] = token_type_ids
    if getattr(model.config, "use_cache", False):
        arguments["use_cache"] = False
    return tuple(getattr(model(**arguments), "attentions", None) or ())


def make_wrapper(model, masked):
    """The module that is traced: token ids (and mask, and types) in, one tensor a layer out."""
    from torch import nn

    forwards = {
        (True, True): lambda self, input_ids, attention_mask, token_type_ids: attentions_of(
            self.model, input_ids, attention_mask, token_type_ids),
        (True, False): lambda self, input_ids, attention_mask: attentions_of(self.model, input_ids, attention_mask),
        (False, True): lambda self, input_ids, token_type_ids: attentions_of(self.model, input_ids, None, token_type_ids),
        (False, False): lambda self, input_ids: attentions_of(self.model, input_ids),
    }  # fmt: skip

    class Attentions(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        forward = forwards[masked, takes_types(model)]

    return Attentions().eval()


def make_input(model, lengths, seed=0, masked=True) -> dict:
    """A padded batch of random sentences of `lengths`; where types are told apart, of pairs."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    padding = getattr(model.config, "pad_token_id", None) or 0
    size = (len(lengths), max(lengths))
    ids = torch.randint(0, model.config.vocab_size, size, generator=generator)
    ids[ids == padding] = (padding + 1) % model.config.vocab_size
    mask = torch.arange(size[1])[None, :] < torch.tensor(lengths)[:, None]
    ids[~mask] = padding
    inputs = {"input_ids": ids, **({"attention_mask": mask.long()} if masked else {})}
    if takes_types(model):
        halves = torch.tensor(lengths)[:, None] // 2
        inputs["token_type_ids"] = ((torch.arange(size[1])[None, :] >= halves) & mask).long()
    return inputs


def run(model, inputs, what):
    """The model's own attention."""
    import torch

    try:
        with torch.no_grad():
            return attentions_of(model, **inputs)
    except Exception as error:
        raise ExportError(
            f"{model.config.model_type}: transformers can't run it on {what}: {cause_of(error)}",
            "attnviz takes models that read token ids and give attention weights",
        ) from error


def check_attention(model) -> None:
    """Whether the model gives what attnviz draws: a [batch, heads, tokens, tokens] of shares for each layer."""
    import torch

    kind, tokens = model.config.model_type, 9
    hint = "attnviz draws attention from each token to each, layer by layer; it has no other use for a model"
    if getattr(model.config, "vocab_size", None) is None:
        raise ExportError(f"{kind}: reads no tokens of a text: its config.json has no vocab_size", hint)
    layers = run(model, make_input(model, [tokens]), f"{tokens} tokens")
    given, all_layers = [layer for layer in layers if isinstance(layer, torch.Tensor)], model.config.num_hidden_layers
    if not given and getattr(model.config, "attention_type", "") == "block_sparse":
        hint = 'set "attention_type": "original_full" in its config.json, which attends to the whole text'
    if len(given) != all_layers or len(given) != len(layers):
        raise ExportError(f"{kind}: gives attention weights of {len(given) or 'none'} of its {all_layers} layers", hint)
    for layer in given:
        if layer.dim() != 4 or layer.shape != (1, given[0].shape[1], tokens, tokens):
            raise ExportError(
                f"{kind}: gives attention of the shape {list(layer.shape)} for {tokens} tokens, "
                f"expected [1, heads, {tokens}, {tokens}] of every layer", hint)  # fmt: skip
    off = max((layer.sum(-1) - 1).abs().max().item() for layer in given)
    if not off <= 1e-3:
        raise ExportError(
            f"{kind}: rows of its attention are off 1 by up to {off:.1g}, expected weights that sum to 1",
            "attnviz draws how each token shares out its attention; this model gives something else, or keeps a part back "
            "(gpt_oss for its sinks)",
        )


def operators_of_functions():
    """Autograd functions written in Python, which no trace can hold, run as the operators of their forward."""
    import torch

    def apply(function, *arguments):
        has_context = function.setup_context is torch.autograd.Function.setup_context
        return function.forward(*([mock.MagicMock()] if has_context else []), *arguments)

    return mock.patch.object(torch.autograd.Function, "apply", classmethod(apply))


def operators_of_experts():
    """Mixtures of experts, without the two operators that trust their arguments so far as to write or read
    beyond a tensor, which attnviz therefore does not run."""
    import torch
    from transformers.integrations import moe

    def histc(values, bins, **_):
        return (values[:, None] == torch.arange(bins)).sum(0)

    def grouped_mm(rows, weights, offs):
        expert = (torch.arange(rows.size(0))[:, None] >= offs).sum(-1)
        return torch.cat([rows[expert == number] @ weights[number] for number in range(weights.size(0))])

    patches = contextlib.ExitStack()
    patches.enter_context(mock.patch.object(torch, "histc", histc))
    patches.enter_context(mock.patch.object(moe, "_grouped_mm", grouped_mm))
    return patches


def trace(model, masked=True):
    """Traced with dynamic batch and length; compare() proves that."""
    import torch

    wrapper = make_wrapper(model, masked)
    inputs = make_input(model, [9, 5] if masked else [9], masked=masked)
    try:
        with torch.no_grad(), operators_of_functions(), operators_of_experts(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constants in the trace are what compare() looks for
            return torch.jit.trace(wrapper, tuple(inputs.values()), check_trace=False)
    except Exception as error:
        raise ExportError(f"{model.config.model_type}: can't be traced: {cause_of(error)}", BY_LENGTH) from error


def save(traced, path: Path) -> None:
    try:
        traced.save(str(path))
    except RuntimeError as error:
        raise ExportError(f"{path}: can't be saved: {cause_of(error)}") from error


def shapes(model, masked=True) -> list:
    """Sentence lengths of the batches compared: alone, in batches, padded, and as long as can be."""
    limit = positions(model)
    batches = [[1], [2], [11], [7, 3, 7], [23, 10], [1, 4, 16, 9], [64], [limit or 512]]
    if not masked:
        batches = [[1], [2], [3], [7], [11], [23], [64], [limit or 512]]
    return [[min(length, limit or length) for length in batch] for batch in batches]


def largest_difference(mine, other) -> float:
    """NaN differs from everything but NaN."""
    difference = (mine - other).abs()
    difference[mine.isnan() & other.isnan()] = 0
    return difference.nan_to_num(nan=float("inf"), posinf=float("inf")).max().item()


def difference(given, expected, row, length) -> float:
    """Between two models' attention of a sentence, of which either may have padded it."""
    pairs = ((mine[row if len(mine) > 1 else 0], other[row if len(other) > 1 else 0]) for mine, other in zip(given, expected))
    return max(largest_difference(a[:, :length, :length], b[:, :length, :length]) for a, b in pairs)


def alone(inputs, row, length) -> dict:
    return {name: tensor[row : row + 1, :length] for name, tensor in inputs.items()}


def masks_padding(model) -> bool:
    """Whether a sentence's attention stays as it is where others pad it: a convolution, say, sees padding."""
    for lengths in [batch for batch in shapes(model) if len(batch) > 1]:
        inputs = make_input(model, lengths)
        together = run(model, inputs, f"a batch of {lengths} tokens")
        for row, length in enumerate(lengths):
            own = run(model, alone(inputs, row, length), f"{length} tokens")
            if not difference(own, together, row, length) <= TOLERANCE / 2:
                return False
    return True


def compare(traced, model, report=say, masked=True) -> float:
    """The largest difference between the traced module's and the model's eager attention; each
    padded sentence is compared with itself alone as well."""
    import torch

    kind, largest = model.config.model_type, 0.0
    for seed, lengths in enumerate(shapes(model, masked)):
        batch = f"a batch of {lengths} tokens"
        inputs = make_input(model, lengths, seed, masked)
        expected = run(model, inputs, batch)
        try:
            with torch.no_grad():
                got = traced(**inputs)
        except RuntimeError as error:
            raise ExportError(f"{kind}: its trace fails on {batch}: {cause_of(error)}", BY_LENGTH) from error
        if [layer.shape for layer in got] != [layer.shape for layer in expected]:
            raise ExportError(f"{kind}: its trace gives other shapes than the model for {batch}", BY_LENGTH)
        off = 0.0
        for row, length in enumerate(lengths):
            own = run(model, alone(inputs, row, length), f"{length} tokens")
            off = max(off, difference(got, expected, row, length), difference(got, own, row, length))
        report(f"compare: {len(lengths)} × {max(lengths)} tokens: largest difference {off:.1e}")
        if not off <= TOLERANCE:
            raise ExportError(
                f"{kind}: the trace's attention differs by {off:.1e} from eager attention for {batch}, "
                f"expected at most {TOLERANCE:g}; nothing was written", BY_LENGTH)  # fmt: skip
        largest = max(largest, off)
    return largest


def manifest(model, name: str, source: str) -> dict:
    import torch
    import transformers

    config = model.config
    with torch.no_grad():
        layers = attentions_of(model, **make_input(model, [8]))
    causal = all(layer.nan_to_num(0).triu(1).count_nonzero().item() == 0 for layer in layers)  # NaN tells nothing of it
    limit, hidden = positions(model), getattr(config, "hidden_size", 0)
    return {
        "format": 1,
        "name": name,
        "architecture": config.model_type,
        "source": source,
        "layers": len(layers),
        "heads": layers[0].shape[1],
        **({"hidden": hidden} if hidden else {}),
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


def find_program(named: Path | None = None) -> str | None:
    """The attnviz that the user names, this checkout's, or the one on PATH."""
    if named and not os.access(named, os.X_OK):
        raise ExportError(f"{named}: no program that can be run", "leave --program out, or name an attnviz that is built")
    if named:
        return str(named)
    built = TOP / "build/release/attnviz"
    found = str(built) if os.access(built, os.X_OK) else shutil.which("attnviz")
    # Which tells libtorch's version, and fails where the program was built without it.
    has_torch = found and subprocess.run([found, "--version", "--verbose"], capture_output=True).returncode == 0
    return found if has_torch else None


@dataclass
class Check:
    """By the program itself, before anything is written: whether it runs the export."""

    program: str | None
    trusted: bool = False  # as by its --trust-model

    def __call__(self, directory: Path, kind: str) -> None:
        if not self.program:
            return
        command = [self.program, "models", "verify", *(["--trust-model"] if self.trusted else []), str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode == 0:
            return
        words = done.stderr.replace(f"{directory}/", "").replace(str(directory), "the export").splitlines()
        said = [line.removeprefix("attnviz: ") for line in words if line.startswith("attnviz: ")]
        hint = [line.removeprefix("  hint: ") for line in words if line.startswith("  hint: ")]
        if "--trust-model" in "".join(hint):
            hint = ["if you trust the model as you would a program, --trust-model exports it for attnviz --trust-model"]
        what = said[0] if said else f"it ended with status {done.returncode}"
        raise ExportError(f"{kind}: attnviz refuses its export, nothing was written: {what}", "".join(hint[:1]))

    def note(self, target: Path) -> str:
        """What the user has to know about it."""
        if self.program:
            return ""
        return f" unchecked, no attnviz with libtorch is built here\n  hint: attnviz models verify {target} checks it where one is"


def export_beside(directory: Path, name: str, source: str, report=say, check: Check | None = None) -> dict:
    """Exports the checkpoint in `directory` into the same directory: model.pt and the manifest."""
    check = check or Check(find_program())
    model = load(str(directory))
    traced = proved(model, name, report)
    contents = manifest(model, name, source)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".export.", suffix=".part") as staging:
        new = Path(staging) / name
        new.mkdir()
        save(traced, new / "model.pt")
        for path in (path for pattern in TOKENIZER_FILES for path in directory.glob(pattern)):
            (new / path.name).symlink_to(path.resolve())
        write_manifest(new, dict(contents))
        check(new, contents["architecture"])
        (directory / MANIFEST).unlink(missing_ok=True)  # until all is new again, it would be wrong
        os.replace(new / "model.pt", directory / "model.pt")
    write_manifest(directory, contents)
    return contents


def proved(model, name: str, report):
    """The model's trace, whose attention is the model's."""
    check_attention(model)
    masked = masks_padding(model)
    report(f"trace {name}: {model.config.model_type}, {model.config.num_hidden_layers} layers")
    if not masked:
        report(f"{name}: padding moves the model's own attention, so attnviz will run its texts one by one")
    traced = trace(model, masked)
    report(f"largest difference from eager attention {compare(traced, model, report, masked):.1e}")
    return traced


def export(source: str, target: Path, name: str, force: bool, check: Check) -> None:
    """Exports into a new directory, which appears under its name only when complete."""
    say(f"load {source}")
    model = load(source)
    traced = proved(model, name, say)
    home = next(parent for parent in target.absolute().parents if parent.exists())
    with tempfile.TemporaryDirectory(dir=home, prefix=f".{target.name}.", suffix=".part") as staging:
        new, old = Path(staging) / "new", Path(staging) / "old"
        new.mkdir()
        save(traced, new / "model.pt")
        copy_tokenizer(source, new)
        write_manifest(new, manifest(model, name, source))
        check(new, model.config.model_type)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and force:
            os.rename(target, old)
        os.rename(new, target)


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, epilog=(
        "The module takes input_ids, attention_mask (and token_type_ids) and gives one "
        "[batch, heads, queries, keys] tensor a layer, at any batch size and length. It is compared with the "
        f"original's eager attention first, and run by attnviz; nothing is written that differs by more than {TOLERANCE:g} or that "
        "attnviz refuses."))
    parser.add_argument("source", metavar="ID_OR_DIRECTORY", help="a model of the Hugging Face hub, or a checkpoint's directory")
    parser.add_argument("-o", "--output", metavar="DIRECTORY", type=Path, help="where to write it (default: models/NAME)")
    parser.add_argument("--name", help="the model's name (default: the output directory's, else the source's)")
    parser.add_argument("--force", action="store_true", help="replace an output directory that exists")
    parser.add_argument("--program", metavar="FILE", type=Path,
                        help="the attnviz that must run it (default: build/release/attnviz here, else the one on PATH)")
    parser.add_argument("--trust-model", action="store_true",
                        help="write what attnviz runs only with its --trust-model, where operators are not known to be harmless")
    return parser.parse_args(argv)


def main(argv=None) -> int:
    options = arguments(argv)
    source_name = Path(options.source).resolve().name if Path(options.source).is_dir() else options.source.split("/")[-1]
    target = options.output or TOP / "models" / (options.name or source_name)
    name = options.name or target.resolve().name
    try:
        in_place = target.exists() and Path(options.source).is_dir() and target.samefile(options.source)
        if target.exists() and not in_place and not options.force:
            raise ExportError(f"{target}: exists already", "--force replaces it, -o names another place")
        check = Check(find_program(options.program), options.trust_model)
        quiet_libraries()
        if in_place:
            export_beside(target, name, options.source, check=check)
            say(f"{target / 'model.pt'} written{check.note(target)}")
        else:
            export(options.source, target, name, options.force, check)
            trusting = " --trust-model" if options.trust_model else ""
            say(f"{target} written{check.note(target)}")
            say(f"attnviz render --model {target}{trusting} --layer 1 --head 0 \"a sentence\"")
    except (ExportError, OSError) as error:
        say(str(error))
        return 2
    except ImportError as error:
        say(f"{error}\n  hint: install torch, transformers and safetensors (scripts/attnviz does)")
        return 2
    except KeyboardInterrupt:
        say("interrupted; nothing was written")
        return 130
    except Exception as error:  # of a library, in what none of the above foresaw
        say(f"{options.source}: {type(error).__name__}: {cause_of(error)}; nothing was written")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
