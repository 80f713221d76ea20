#!/usr/bin/env python3
"""Exports a Hugging Face model to TorchScript for attnviz, with proof that its attention is unchanged."""

import argparse
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

from model_trace import (  # noqa: F401 (takes_types is for the tests, which ask this module for all that they need)
    TOLERANCE, ExportError, attentions_of, cause_of, check_attention, compare, load, make_input, masks_padding, positions,
    takes_types, trace,
)  # fmt: skip

TOP = Path(__file__).resolve().parent.parent
MANIFEST = "attnviz.json"
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model",
)  # fmt: skip
MODEL_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json", "model.pt", *TOKENIZER_FILES)


def say(message: str) -> None:
    print(f"export_model: {message}", file=sys.stderr, flush=True)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def quiet_libraries() -> None:
    """Silences what transformers reports on loading: that a fine-tuned checkpoint has weights which its bare encoder does
    not use is as it should be here."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)


def save(traced, path: Path) -> None:
    try:
        traced.save(str(path))
    except RuntimeError as error:
        raise ExportError(f"{path}: can't be saved: {cause_of(error)}") from error


def manifest(model, name: str, source: str) -> dict:
    """What the manifest says of the model; write_manifest() adds the digests of the files."""
    import torch
    import transformers

    config = model.config
    with torch.no_grad():
        layers = attentions_of(model, **make_input(model, [8]))
    # A NaN does not show whether its weight was masked, so it counts as 0.
    causal = all(layer.nan_to_num(0).triu(1).count_nonzero().item() == 0 for layer in layers)
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
    """Copies the tokenizer's files as they are. Only where they hold none that attnviz reads, transformers writes them anew."""
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
    """Writes the manifest with the digest of every file that a run reads, so it has to be written after them; it gets its
    name only when it is complete."""
    files = {path for pattern in MODEL_FILES for path in directory.glob(pattern)}
    contents["sha256"] = {path.name: sha256_of(path) for path in sorted(files)}
    part = directory / f"{MANIFEST}.part"
    part.write_text(json.dumps(contents, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, directory / MANIFEST)


def find_program(named: Path | None = None) -> str | None:
    """The attnviz that the user names, else this checkout's, else the one on PATH; None where no attnviz has libtorch."""
    if named:
        if not os.access(named, os.X_OK):
            raise ExportError(f"{named}: no program that can be run", "leave --program out, or name an attnviz that is built")
        return str(named)
    built = TOP / "build/release/attnviz"
    found = str(built) if os.access(built, os.X_OK) else shutil.which("attnviz")
    # With --verbose, the program loads libtorch to tell its version, and fails if it has none.
    has_torch = found and subprocess.run([found, "--version", "--verbose"], capture_output=True).returncode == 0
    return found if has_torch else None


@dataclass
class Check:
    """Asks the program, before an export gets its place, whether it runs it; raises with the program's words if not."""

    program: str | None  # None checks nothing
    trusted: bool = False  # whether to run the program with --trust-model

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
        """What the user is told of the check after the export's name."""
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
        (directory / MANIFEST).unlink(missing_ok=True)  # its digests would be wrong from the next line on
        os.replace(new / "model.pt", directory / "model.pt")
    write_manifest(directory, contents)
    return contents


def proved(model, name: str, report):
    """The model's trace, after a comparison that showed its attention to be the model's."""
    check_attention(model)
    masked = masks_padding(model)
    report(f"trace {name}: {model.config.model_type}, {model.config.num_hidden_layers} layers")
    if not masked:
        report(f"{name}: padding moves the model's own attention, so attnviz will run its texts one by one")
    traced = trace(model, masked)
    report(f"largest difference from eager attention {compare(traced, model, report, masked):.1e}")
    return traced


def export(source: str, target: Path, name: str, force: bool, check: Check) -> None:
    """Exports into a new directory, which gets its name only when it is complete."""
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
    except Exception as error:  # of a library, at a place where none was expected
        say(f"{options.source}: {type(error).__name__}: {cause_of(error)}; nothing was written")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
