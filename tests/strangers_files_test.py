"""Files from strangers that are no files, become shorter, or grow without end: each ends in a message and status 2."""

import contextlib
import html
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import subprocess
import time

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from serve_test import Server

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")).resolve() / "attnviz"
SHRINK = PROGRAM.parent / "libshrink_at.so"
MINILM = TOP / "models/minilm"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
RENDER = ("render", "--layer", "1", "--head", "0")


def attnviz(*arguments, status=0, **options):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


@pytest.fixture
def model(tmp_path):
    """A copy to be spoiled, without its weights, which are a link."""
    directory = tmp_path / "models" / "model"
    directory.mkdir(parents=True)
    for name in FILES:
        if (MINILM / name).exists():
            shutil.copy(MINILM / name, directory / name)
    (directory / "model.safetensors").symlink_to(MINILM / "model.safetensors")
    return directory


def spoil(model, name, how):
    path = model / name
    path.unlink(missing_ok=True)
    os.mkfifo(path) if how == "a pipe" else path.symlink_to("/dev/zero")


@pytest.mark.parametrize("how", ["a pipe", "a device"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
                                  "added_tokens.json", "attnviz.json", "generation_config.json", "model.safetensors"])
def test_files_of_models_are_files(model, name, how):
    if name == "generation_config.json":  # read of an encoder-decoder
        config = json.loads((model / "config.json").read_text())
        (model / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": True}))
    spoil(model, name, how)
    done = attnviz(*RENDER, "--model", model, "-o", "-", "--format", "svg", "the bank", status=2)
    assert f"{model / name}: not a regular file but {how}\n  hint: copy what it is to hold into a file" in done.stderr


def test_shards_and_torchscript_are_files(model):
    (model / "model.safetensors").unlink()
    index = model / "model.safetensors.index.json"
    os.mkfifo(index)
    done = attnviz(*RENDER, "--model", model, "-o", "-", "--format", "svg", "the bank", status=2)
    assert f"{index}: not a regular file but a pipe" in done.stderr
    index.unlink()
    index.write_text(json.dumps({"weight_map": {"x": "part.safetensors"}}))
    (model / "part.safetensors").symlink_to("/dev/zero")
    done = attnviz(*RENDER, "--model", model, "-o", "-", "--format", "svg", "the bank", status=2)
    assert f"{model / 'part.safetensors'}: not a regular file but a device" in done.stderr
    index.unlink()
    (model / "model.pt").symlink_to("/dev/zero")
    done = attnviz(*RENDER, "--model", model, "-o", "-", "--format", "svg", "the bank", status=2)
    assert f"{model / 'model.pt'}: not a regular file but a device" in done.stderr


def test_models_are_listed_all_the_same(model):
    for how in ("a pipe", "a device"):
        spoil(model, "config.json", how)
        variables = {**os.environ, "ATTNVIZ_MODELS": str(model.parent)}
        assert re.search(r"^model +\?", attnviz("models", env=variables).stdout, re.M)
        done = attnviz("models", "info", model, status=2)
        assert f"{model}/config.json: not a regular file but {how}" in done.stderr
        server = Server(env=variables)
        try:
            status, _, body = server.ask("GET", "/models")
            assert status == 200 and "model" not in [entry["name"] for entry in json.loads(body)]  # it can't be run
        finally:
            server.process.kill()
            server.process.communicate()


def test_figures_are_files(tmp_path):
    os.mkfifo(tmp_path / "a.svg")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    for name, kind in (("a.svg", "a pipe"), ("b.png", "a device")):
        for command in (("redraw", name), ("extract", name, "-o", "x.npz")):
            assert f"{name}: not a regular file but {kind}" in attnviz(*command, status=2, cwd=tmp_path).stderr
    done = attnviz("check", ".", "--baseline", ".", status=2, cwd=tmp_path)
    assert "a.svg: not a regular file but a pipe" in done.stdout.replace("./", "")


def test_large_figures_are_read_all_the_same(tmp_path):
    """Maps of some cells, which Cairo writes into a PDF as a million pixels each."""
    text = "The bank can refuse to lend money to the person by the river bank, and another bank can not. " * 2
    for name in ("a.pdf", "a.svg"):
        attnviz("grid", "--layers", "all", "-o", name, text, cwd=tmp_path)
    assert "2 same" in attnviz("check", "a.pdf", "a.svg", "--baseline", ".", cwd=tmp_path).stdout


def test_texts_may_be_streams(tmp_path):
    tokens = ("tokens", "--json", "--input")
    lines = "the bank\nthe river\n"
    assert attnviz(*tokens, "-", input=lines).stdout.count("\n") == 2
    assert attnviz(*tokens, "/dev/stdin", "--input-format", "txt", input=lines).stdout.count("\n") == 2
    done = subprocess.run(["bash", "-c", f"'{PROGRAM}' {' '.join(tokens)} <(printf 'the bank\nriver\n') --input-format txt"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.count("\n") == 2, done


@pytest.mark.parametrize("left", [0, 1 << 20])
def test_weights_that_become_shorter_while_they_are_read(model, tmp_path, left):
    weights = model / "model.safetensors"
    weights.unlink()
    shutil.copy(MINILM / "model.safetensors", weights)
    (tmp_path / "out").mkdir()
    variables = {**os.environ, "LD_PRELOAD": str(SHRINK), "SHRINK_AT": "model/model.safetensors", "SHRINK_TO": str(left)}
    done = attnviz("render", "--layer", "6", "--head", "0", "--model", model, "--sandbox", "off", "-o", "out/x.svg",
                   "the bank can", status=2, cwd=tmp_path, env=variables)
    assert done.stderr == (f"attnviz: {weights}: became shorter while it was read, or its disk fails\n"
                           "  hint: put the file back as it was, and start again\n")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_tokenizer_that_doubles_a_letter_thirty_times(model):
    """853 bytes, which made 16.7 million tokens of "a"."""
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    tokenizer = {
        "version": "1.0", "added_tokens": [], "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "normalizer": {"type": "Sequence", "normalizers": [double] * 30},
        "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []},
    }  # fmt: skip
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    (model / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    for name in ("special_tokens_map.json", "vocab.txt"):
        (model / name).unlink(missing_ok=True)
    start = time.monotonic()
    done = attnviz("tokens", "--model", model, "a", status=2,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29)))
    assert f"{model}: its tokenizer makes a text of 1 byte more than 4128 longer, which no known one does" in done.stderr
    assert time.monotonic() - start < 30
    (model / "tokenizer.json").write_text(json.dumps({**tokenizer, "normalizer": double}))
    assert len(json.loads(attnviz("tokens", "--json", "--model", model, "aaaa").stdout)["tokens"]) == 8


ESCAPE = "\x1b[31m"


def test_no_escape_of_a_files_name_reaches_a_terminal(tmp_path):
    attnviz(*RENDER, "-o", "figure.svg", "the bank", cwd=tmp_path)
    (tmp_path / "figures").mkdir()
    name = f"evil{ESCAPE}.svg"
    shutil.copy(tmp_path / "figure.svg", tmp_path / "figures" / name)
    update = ("check", "figures", "--baseline", "baselines", "--update", "--force")
    done = attnviz(*update, cwd=tmp_path)
    assert "updated baselines/evil␛[31m.svg" in done.stdout and "\x1b" not in done.stdout + done.stderr
    assert (tmp_path / "baselines" / name).exists()
    (tmp_path / "figures" / name).write_text("damaged")
    for report in ((), ("--github",), ("--report", "r.xml"), ("--report", "r.html"), ("--report", "r.json")):
        done = attnviz("check", "figures", "--baseline", "baselines", *report, status=2, cwd=tmp_path)
        assert "\x1b" not in done.stdout + done.stderr
    # Of a name that is no UTF-8 too.
    raw = os.fsencode(tmp_path / "figures") + b"/\xf0\x9f.svg"
    shutil.copy(os.fsencode(tmp_path / "figure.svg"), raw)
    assert "updated baselines/�.svg" in attnviz(*update, status=2, cwd=tmp_path).stdout


def spoiled(value, key=""):
    """Each text of a record that is not one of a few words, with an escape sequence behind it."""
    if isinstance(value, dict):
        return {name: spoiled(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner, key) for inner in value]
    is_word = key in ("kind", "colors", "weights", "packing", "view", "filter", "part")
    return value + ESCAPE if isinstance(value, str) and not is_word else value


@pytest.mark.parametrize("command", ["render --layer 1 --head 0", "grid --layer 1 --heads 0,1", "layers --head 1 --layers 1,2",
                                     "flow --token 1", "summary", "view head --layer 1",
                                     "compare --model minilm --model gpt2-demo --layer 1 --head 0"])
def test_no_escape_of_a_saved_figure_reaches_a_terminal(command, tmp_path):
    attnviz(*command.split(), "-o", "a.svg", "the bank", cwd=tmp_path)
    picture = (tmp_path / "a.svg").read_text()
    begin, end = picture.index("<attnviz:record>") + len("<attnviz:record>"), picture.index("</attnviz:record>")
    record = json.loads(html.unescape(picture[begin:end]))
    record.update({name: spoiled(record[name]) for name in ("program", "texts", "figure")})
    evil = html.escape(json.dumps(record), quote=False)
    (tmp_path / "evil.svg").write_text(picture[:begin] + evil + picture[end:])
    for more in (["redraw", "evil.svg", "--describe", "--show", "--color", "never", "-o", "b.svg"],
                 ["check", "evil.svg", "--baseline", "."], ["extract", "evil.svg", "-o", "b.json"]):
        done = subprocess.run([PROGRAM, *more], cwd=tmp_path, capture_output=True, timeout=60)
        assert b"\x1b" not in done.stdout + done.stderr, (more, done)


def test_written_paths_are_exact_for_programs_and_printable_on_a_terminal(tmp_path):
    command = [PROGRAM, *RENDER, "-o", f"x{ESCAPE}.svg", "the bank"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True)
    assert done.stdout == f"x{ESCAPE}.svg\n"
    terminal, other = pty.openpty()
    subprocess.run(command, stdout=other, stderr=other, cwd=tmp_path, timeout=60, check=True)
    os.close(other)
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert b"x\xe2\x90\x9b[31m.svg" in shown and b"x\x1b" not in shown


def test_a_saved_figure_full_of_nan_is_not_redrawn(model, tmp_path):
    weights = load_file(MINILM / "model.safetensors")
    (model / "model.safetensors").unlink()
    weights = {name: tensor.clone() for name, tensor in weights.items()}
    next(tensor for name, tensor in weights.items() if name.endswith("layer.0.attention.self.query.weight"))[0] = np.nan
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    attnviz(*RENDER, "--model", model, "--allow-non-finite", "-o", "allowed.svg", "the bank", cwd=tmp_path)
    attnviz("redraw", "allowed.svg", "-o", "again.svg", cwd=tmp_path)  # its request says so
    picture = (tmp_path / "allowed.svg").read_text()
    flag = re.search(r',\s*(&quot;|")--allow-non-finite(&quot;|")', picture)
    (tmp_path / "bad.svg").write_text(picture.replace(flag[0], ""))
    done = attnviz("redraw", "bad.svg", "-o", "dark.svg", status=2, cwd=tmp_path)
    assert re.fullmatch(r'attnviz: bad.svg: not a finite number: layer 1 head 0 "\[CLS\]"\(0\) → "\[CLS\]"\(0\): nan\n'
                        r"  hint: --allow-non-finite draws it all the same, and marks what is not finite\n", done.stderr)
    assert not (tmp_path / "dark.svg").exists()
    attnviz("redraw", "bad.svg", "--allow-non-finite", "-o", "dark.svg", cwd=tmp_path)


def test_tokens_stand_in_tables_as_they_are():
    """What a spreadsheet takes for a formula is a token all the same: programs join tables by it."""
    done = attnviz("analyze", "--csv", "--table", "received", "=1+1 @ -2")
    assert [line.split(",")[1] for line in done.stdout.splitlines()[2:-1]] == ["=", "1", "+", "1", "@", "-", "2"]
    assert "a spreadsheet may take one that begins with" in " ".join(attnviz("analyze", "--help").stdout.split())
