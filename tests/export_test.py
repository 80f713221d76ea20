"""What scripts/export_model.py writes, attnviz runs; what it does not write, it refuses in words and leaves no trace of."""
import os
import pathlib
import sys

import pytest
import torch

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))
sys.path.insert(0, str(TOP / "scripts"))
import export_model  # noqa: E402
import model_trace  # noqa: E402
import sweep_traces  # noqa: E402

export_model.quiet_libraries()
torch.set_num_threads(1)  # for models of this size, more only get in each other's way


@pytest.fixture(autouse=True)
def build(monkeypatch):
    monkeypatch.setattr(sweep_traces, "DUMP", BUILD / "model_dump")


def export(capsys, *arguments, program=BUILD / "attnviz"):
    status = export_model.main([*map(str, arguments), *(["--program", str(program)] if program else [])])
    said = capsys.readouterr()
    assert said.out == ""
    return status, said.err


def stand_in(folder, words, status):
    """A program in attnviz's place."""
    path = folder / "attnviz"
    path.write_text(f"#!/bin/sh\nprintf '{words}' >&2\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["Mixtral", "GPTBigCode", "XLNet", "Mpt", "ConvBert", "Llama4Text"])
def test_what_is_written_is_run_with_the_models_own_attention(name, capsys, tmp_path):
    sweep_traces.save(name, tmp_path / "source")
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "deep/down/out")
    assert status == 0 and f"{tmp_path}/deep/down/out written\n" in said, said
    assert ("run its texts one by one" in said) == (name == "ConvBert")
    assert sweep_traces.difference(tmp_path / "source", tmp_path / "deep/down/out", tmp_path / "dump") <= 1e-5


REFUSED = {
    "GptOss": ("gpt_oss: rows of its attention are off 1 by up to ", "gpt_oss for its sinks"),
    "BigBird": ("big_bird: gives attention weights of none of its 2 layers", 'set "attention_type": "original_full"'),
    "FNet": ("fnet: gives attention weights of none of its 2 layers", "attnviz draws attention"),
    "Yoso": ("yoso: gives attention of the shape [1, 9, 32] for 9 tokens, expected [1, heads, 9, 9]", "attnviz draws attention"),
    "Canine": ("canine: ", "attnviz draws attention"),
    "Longformer": ("longformer: its trace fails on a batch of [1] tokens: ", "a trace can't follow code that decides by"),
    "T5": ("source: t5 is an encoder-decoder model, expected one stack", "attnviz runs T5, mT5, BART"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_attnviz_has_no_use_for_is_refused_in_words(name, capsys, tmp_path):
    sweep_traces.save(name, tmp_path / "source")
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out/deep")
    what, hint = said.splitlines()[-2:]
    assert status == 2
    assert what.startswith("export_model: ") and REFUSED[name][0] in what, said
    assert hint.startswith("  hint: ") and REFUSED[name][1] in hint, said
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("contents, fault", [
    ({}, "transformers can't load it"),
    ({"config.json": "{"}, "transformers can't load it"),
    ({"config.json": '{"model_type": "bert", "hidden_size": 32, "num_attention_heads": 4}', "model.safetensors": "?"},
     "transformers can't load it"),
    ({"config.json": '{"model_type": "nonesuch"}'}, "transformers can't load it"),
    ({"config.json": '{"model_type": "bert", "hidden_size": 33, "num_attention_heads": 4}'}, "transformers can't load it"),
])  # fmt: skip
def test_what_transformers_cannot_load_is_told_in_a_line(contents, fault, capsys, tmp_path):
    (tmp_path / "source").mkdir()
    for name, text in contents.items():
        (tmp_path / "source" / name).write_text(text)
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out")
    assert status == 2 and fault in said.splitlines()[-2] and said.splitlines()[-1].startswith("  hint: "), said


def test_what_the_program_refuses_is_not_written(capsys, tmp_path, monkeypatch):
    """Experts as transformers runs them: torch.histc writes behind its counts, for some numbers of them."""
    import contextlib

    monkeypatch.setattr(model_trace, "operators_of_experts", contextlib.nullcontext)
    sweep_traces.save("Mixtral", tmp_path / "source")
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out")
    what, hint = said.splitlines()[-2:]
    assert status == 2 and "mixtral: attnviz refuses its export, nothing was written: model.pt: not run: " in what
    assert "calls torch.histc, which is not known to be harmless" in what
    assert hint == "  hint: if you trust the model as you would a program, --trust-model exports it for attnviz --trust-model"
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out", "--trust-model")
    assert status == 0 and "--trust-model --layer 1" in said and (tmp_path / "out/model.pt").exists(), said


def test_in_place_the_old_export_stays_where_the_program_refuses_the_new(capsys, tmp_path):
    sweep_traces.save("Bert", tmp_path / "source")
    assert export(capsys, tmp_path / "source", "-o", tmp_path / "source")[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()}
    assert {"model.pt", "attnviz.json", "model.safetensors"} <= before.keys()
    refusing = stand_in(tmp_path, "attnviz: model.pt: no\\n  hint: try another\\nattnviz: one fault\\n", 2)
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "source", program=refusing)
    assert status == 2 and said.endswith(
        "export_model: bert: attnviz refuses its export, nothing was written: model.pt: no\n  hint: try another\n"), said
    assert {path.name: path.read_bytes() for path in (tmp_path / "source").iterdir()} == before


def test_a_program_that_ends_in_silence_is_told(capsys, tmp_path):
    sweep_traces.save("Bert", tmp_path / "source")
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out", program=stand_in(tmp_path, "", 7))
    assert status == 2 and "nothing was written: it ended with status 7" in said and not (tmp_path / "out").exists()


def test_without_a_program_it_says_that_nothing_was_checked(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(export_model, "TOP", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    sweep_traces.save("Bert", tmp_path / "source")
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "out", program=None)
    assert status == 0 and "out written unchecked, no attnviz with libtorch is built here" in said and "models verify" in said
    (tmp_path / "build/release").mkdir(parents=True)
    stand_in(tmp_path / "build/release", "attnviz: attnviz_torch.so: not found", 2)
    assert export_model.find_program() is None
    status, said = export(capsys, tmp_path / "source", "-o", tmp_path / "other", program=tmp_path / "none")
    assert status == 2 and f"{tmp_path}/none: no program that can be run\n  hint: " in said
    assert not (tmp_path / "other").exists()
