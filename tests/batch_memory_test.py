"""Runs over many texts keep within --max-memory, and lose no text for lack of memory that passes alone."""
import json
import os
import pathlib
import random
import resource
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
ENVIRONMENT = {**os.environ, "ATTNVIZ_MODELS": str(TOP / "models")}
MIB = 1 << 20
WEIGHTS = (TOP / "models/minilm/model.safetensors").stat().st_size
COMMANDS = {"png": ["render", "--layer", "6", "--head", "0"], "grid": ["grid", "--layer", "6", "--format", "svg"], "html": ["view", "model", "--format", "html"],
            "json": ["extract", "--format", "json"], "npz": ["extract", "--format", "npz"], "analyze": ["analyze", "--json"]}  # fmt: skip


def texts(path, lengths):
    choose = random.Random(5)
    words = "the cat bank river money person sat mat lend refuse sentence word light stone water house tree".split()
    path.write_text("".join(" ".join(choose.choices(words, k=length)) + "\n" for length in lengths), encoding="utf8")
    return path


def peak(arguments, **options):
    """Bytes that a process held at most; and how it ended."""
    process = subprocess.Popen([PROGRAM, *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT, text=True, **options)
    errors = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_maxrss * 1024, process.returncode, errors


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_batch_takes_no_more_than_it_may(kind, tmp_path):
    """What it takes beyond a short text's run and the weights, which come into memory as they are used."""
    short, many = texts(tmp_path / "short.txt", [3]), texts(tmp_path / "many.txt", [5, 10, 20, 40, 80, 150] * 7 + [250])
    base, _, _ = peak([*COMMANDS[kind], "--input", short, "-q", "-o", tmp_path / "short"])
    limit = 160 * MIB
    used, status, errors = peak([*COMMANDS[kind], "--input", many, "--max-memory", limit, "-q", "-o", tmp_path / "many"])
    assert status == 0, errors
    assert used - base <= limit + WEIGHTS // 2, f"{(used - base) // MIB} MiB"


def test_a_text_that_would_take_more_is_refused_for_what_is_made_of_it(tmp_path):
    many = texts(tmp_path / "many.txt", [5, 450])
    used, status, errors = peak(["extract", "--format", "json", "--input", many, "--max-memory", "160M", "-q", "-o", tmp_path / "out"])
    assert status == 2, errors
    entries = [json.loads(line) for line in open(tmp_path / "out/manifest.jsonl", encoding="utf8")]
    assert "file" in entries[0]
    assert entries[1]["error"].startswith("--max-memory 160.0 MiB: 452 tokens need ")


def test_what_passes_alone_passes_in_a_batch(tmp_path):
    """Under ulimit -v: what does not fit beside others is done alone."""

    def under(mib):
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB))}

    one, many = texts(tmp_path / "one.txt", [250]), texts(tmp_path / "many.txt", [250, 10, 120] * 5)
    command = ["extract", "--format", "json", "-q", "--threads", "2", "--input"]
    enough = next(mib for mib in range(500, 4000, 50) if peak([*command, one, "-o", tmp_path / str(mib)], **under(mib))[1] == 0)
    _, status, errors = peak([*command, many, "-o", tmp_path / "many"], **under(enough + 100))
    assert status == 0, errors
    # Where even one alone does not fit, it is said of which.
    _, status, errors = peak([*command, many, "-o", tmp_path / "less"], **under(enough - 50))
    if (tmp_path / "less/manifest.jsonl").exists():
        faults = [json.loads(line).get("error", "") for line in open(tmp_path / "less/manifest.jsonl", encoding="utf8")]
        assert "bad_alloc" not in "".join(faults) + errors
