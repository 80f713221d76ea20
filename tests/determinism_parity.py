"""The same request writes the same bytes, whoever makes it, wherever and whenever."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", ROOT / "build/release")) / "attnviz"
MODEL, OTHER = ROOT / "models/gpt2-demo", ROOT / "models/minilm"
TEXTS = ["The river bank.", "A bank that lends 1,234.56 € at once.", "Once upon a time", "שלום עולם"]
ONE = [*("--model", MODEL), TEXTS[1]]

FIGURES = {
    "render": ["--layer", "2", "--head", "1", *ONE],
    "grid": ["--layer", "2", *ONE],
    "layers": ["--head", "0", *ONE],
    "compare": ["--model", MODEL, "--model", OTHER, TEXTS[1]],
    "diff": ["--layer", "1", "--layer", "2", *ONE],
    "flow": ["--token", "1", *ONE],
    "rollout": ONE,
    "summary": ONE,
}
FORMATS = ("png", "svg", "pdf")
REQUESTS = [
    *([name, *arguments, "-o", f"{name}.{extension}"] for name, arguments in FIGURES.items() for extension in FORMATS),
    *(["view", kind, *ONE, "-o", f"{kind}.{extension}"] for kind in ("head", "model", "neuron") for extension in ("html", "svg")),
    *(["extract", *ONE, "-o", f"numbers.{extension}"] for extension in ("safetensors", "npz", "json")),
    *(["render", "--model", MODEL, "--input", "texts.txt", "--format", extension, "-o", f"{extension}s"]
      for extension in FORMATS),
    ["extract", "--model", MODEL, "--input", "texts.txt", "-o", "tensors"],
]


def comma_locale():
    """One that writes 0,5, if the machine has any."""
    installed = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.split()
    return next((name for name in installed if name.startswith(("de_", "fr_", "pl_", "ru_"))), "C")


def written(directory, arguments, environment, umask=0o022):
    """Bytes by name of what the program writes into a new directory."""
    directory.mkdir(parents=True)
    (directory / "texts.txt").write_text("\n".join(TEXTS * 5) + "\n", encoding="utf8")
    done = subprocess.run([PROGRAM, *arguments, "--threads", "2"], cwd=directory, env=environment, umask=umask,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*") if path.is_file() and path.name != "texts.txt"}


@pytest.mark.parametrize("arguments", REQUESTS, ids=lambda arguments: f"{arguments[0]} {arguments[-1]}")
def test_the_same_request_writes_the_same_bytes(tmp_path, arguments):
    first = written(tmp_path / "a", arguments, {})
    again = written(tmp_path / "another place/ü", arguments, {
        "LC_ALL": comma_locale(), "LANGUAGE": "ar", "TZ": "Asia/Tokyo", "HOME": str(tmp_path / "nobody"), "USER": "x",
        "COLUMNS": "33", "TERM": "dumb", "NO_COLOR": "1", "TMPDIR": "/nowhere", "XDG_DATA_HOME": "/nowhere"}, 0o077)
    assert first and first.keys() == again.keys()
    assert [name for name in first if first[name] != again[name]] == []
    # What reads the clock would differ only a second later: nothing is dated.
    assert not any(b"/CreationDate" in file or b"/ModDate" in file for file in first.values())


def test_a_pdf_is_dated_as_source_date_epoch_says(tmp_path):
    arguments = ["render", *FIGURES["render"], "-o", "a.pdf"]
    zones = [{"SOURCE_DATE_EPOCH": "1700000000", "TZ": zone} for zone in ("UTC", "Asia/Tokyo")]
    first, again = (written(tmp_path / str(i), arguments, zone)["a.pdf"] for i, zone in enumerate(zones))
    assert first == again
    info = subprocess.run(["pdfinfo", "-isodates", tmp_path / "0/a.pdf"], capture_output=True, text=True, check=True)
    assert "CreationDate:    2023-11-14T22:13:20Z" in info.stdout


def test_a_date_that_is_none_is_refused_and_nothing_written(tmp_path):
    done = subprocess.run([PROGRAM, "render", *FIGURES["render"], "-o", "a.pdf"], cwd=tmp_path, capture_output=True, text=True,
                          env={"SOURCE_DATE_EPOCH": "yesterday"})
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert done.stderr == ("attnviz: SOURCE_DATE_EPOCH: expected whole seconds since 1970, got yesterday\n"
                           "  hint: unset it, and a PDF says no date\n")
