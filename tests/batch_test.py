"""Runs over files of texts as processes: interrupted, killed, beside each other, with a hundred thousand rows."""
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess

import pytest

from kill_resume import contents, faults_of_finished, faults_of_killed

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
SENTENCES = TOP / "tests/data/sentences.txt"
COMMENTS = TOP / "tests/data/comments.csv"
DRAW = [PROGRAM, "render", "--layer", "3", "--threads", "2", "--input"]


@pytest.fixture(autouse=True)
def models(monkeypatch):
    monkeypatch.setenv("ATTNVIZ_MODELS", str(TOP / "models"))


def started(arguments, **options):
    return subprocess.Popen(list(map(str, arguments)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def lines_of(path):
    return path.read_text(encoding="utf8").splitlines() if path.exists() else []


def begun(arguments, out):
    """A run that has written some items and not all, stopped there; SIGCONT lets it go on. A run that was done before
    it was seen is made anew."""
    for _ in range(20):
        process = started(arguments)
        while process.poll() is None and len(lines_of(out / "manifest.jsonl")) < 2:
            pass
        process.send_signal(signal.SIGSTOP)
        if process.returncode is None:
            state = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if state.si_code == os.CLD_STOPPED:
                return process
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        shutil.rmtree(out)
    raise AssertionError("each run was done before it was seen")


def interrupted(directory):
    """A run that was interrupted when it had begun to write, its directory, and what a whole run writes."""
    command = [*DRAW, SENTENCES, "-q", "-o"]
    assert subprocess.run([*command, directory / "whole"], capture_output=True).returncode == 0
    whole, out = contents(directory / "whole"), directory / "out"
    process = begun([*command, out], out)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    return command, whole, out, process


def test_an_interrupted_run_finishes_what_it_writes_and_says_how_to_go_on(tmp_path):
    command, whole, out, process = interrupted(tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 130
    done = len(lines_of(out / "manifest.jsonl"))
    assert errors == (f"attnviz: interrupted after {done} texts\n"
                      "  hint: the same command with --resume goes on from there\n")
    assert not list(faults_of_killed(out, whole))
    resumed = subprocess.run([*command, out, "--resume"], capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert not list(faults_of_finished(out, whole))


def test_a_killed_run_is_resumed_to_the_same_bytes(tmp_path):
    choose = random.Random(7)
    command = [*DRAW, COMMENTS, "--column", "comment", "-q", "-o"]
    assert subprocess.run([*command, tmp_path / "whole"], capture_output=True).returncode == 0
    whole = contents(tmp_path / "whole")
    for number in range(4):
        out = tmp_path / str(number)
        process = begun([*command, out], out)
        process.send_signal(signal.SIGCONT)
        wanted = choose.randrange(2, 60)
        while process.poll() is None and len(lines_of(out / "manifest.jsonl")) < wanted:
            pass
        process.kill()
        process.communicate()
        assert not list(faults_of_killed(out, whole))
        resumed = subprocess.run([*command, out, "--resume"], capture_output=True, text=True)
        assert resumed.returncode == 0, resumed.stderr
        assert not list(faults_of_finished(out, whole))


def test_weights_that_are_written_into_meanwhile_stop_the_run(tmp_path):
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(TOP / "models/gpt2-demo", model, ignore=shutil.ignore_patterns("model.pt", "attnviz.json"))
    command = [*DRAW, SENTENCES, "--model", model, "-q", "-o", out]
    process = begun(command, out)
    with open(model / "model.safetensors", "r+b") as weights:
        weights.seek(-4, os.SEEK_END)
        last = weights.read(1)
        weights.seek(-4, os.SEEK_END)
        weights.write(bytes([last[0] ^ 1]))
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert errors == (f"attnviz: {model}/model.safetensors: was changed while the run read it\n  hint: put it back as it "
                      "was and go on with --resume, or start anew in another directory\n")
    resumed = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    assert resumed.returncode == 2 and "model/model.safetensors: expected xxh64" in resumed.stderr


def test_a_model_that_is_replaced_meanwhile_is_read_to_the_end_and_not_gone_on_with(tmp_path):
    model, out = tmp_path / "model", tmp_path / "out"
    shutil.copytree(TOP / "models/gpt2-demo", model, ignore=shutil.ignore_patterns("model.pt", "attnviz.json"))
    command = [*DRAW, COMMENTS, "--column", "comment", "--model", model, "-q", "-o"]
    assert subprocess.run([*command, tmp_path / "whole"], capture_output=True).returncode == 0
    process = begun([*command, out], out)
    model.rename(tmp_path / "other")
    shutil.copytree(TOP / "models/minilm", model)
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert not list(faults_of_finished(out, contents(tmp_path / "whole")))
    resumed = subprocess.run([*command, out, "--resume"], capture_output=True, text=True)
    assert resumed.returncode == 2 and "had other settings: model" in resumed.stderr


def test_a_second_run_into_a_directory_is_refused_while_the_first_lives(tmp_path):
    out = tmp_path / "out"
    command = [*DRAW, SENTENCES, "-q", "-o", out]
    first = begun(command, out)
    second = subprocess.run([*command, "--resume"], capture_output=True, text=True)
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert second.stderr == (f"attnviz: {out}: another run writes here now\n"
                             "  hint: wait for it, or choose another directory\n")


def test_each_of_a_hundred_thousand_rows_has_its_line_in_order(tmp_path):
    """One in a hundred is poison, of many kinds; the others are passed over, since drawing takes long."""
    poison = [b"", b"\xff\xfe", b"word " * 1000, b"x" * (2 << 20), b"\xed\xa0\x80", b"bad \xc3"]
    sentences = SENTENCES.read_bytes().splitlines()
    choose, poisoned = random.Random(3), []
    with open(tmp_path / "many.txt", "wb") as file:
        for index in range(100_000):
            if index % 100 == 42:
                poisoned.append(index)
                # Long ones are rare: they are most of the file.
                file.write(poison[choose.choice([0, 1, 4, 5]) if index % 1000 else 3] if index > 300 else poison[2])
            else:
                file.write(choose.choice(sentences))
            file.write(b"\n")
    out = tmp_path / "out"
    run = subprocess.run([*DRAW, tmp_path / "many.txt", "--min-tokens", "100", "-q", "-o", out], capture_output=True,
                         text=True)
    assert run.returncode == 2
    assert run.stderr.startswith(f"attnviz: {len(poisoned)} of 100000 texts could not be done\n")
    entries = [json.loads(line) for line in lines_of(out / "manifest.jsonl")]
    assert [entry["index"] for entry in entries] == list(range(100_000))
    assert [entry["line"] for entry in entries] == list(range(1, 100_001))
    assert [entry["index"] for entry in entries if "error" in entry] == poisoned


def test_a_full_disk_and_a_closed_pipe_stop_a_run_with_one_line(tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = tmp_path / "out"
    full = started([*DRAW, SENTENCES, "--dpi", "300", "-q", "-o", out], preexec_fn=small_files)
    _, errors = full.communicate()
    assert full.returncode == 2
    assert errors.startswith(f"attnviz: {out}/0000") and "can't be written: File too large" in errors
    assert not [path for path in out.iterdir() if path.suffix == ".png" or "part" in path.name]

    closed = started([PROGRAM, "tokens", "--json", "--input", SENTENCES, "-q"])
    closed.stdout.close()
    assert closed.wait() == 2
    assert closed.stderr.read() == "attnviz: standard output: can't be written: Broken pipe\n"


def signals_in(process, kind):
    """Of SigCgt (caught), SigBlk and the like."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith(kind)), 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def heeds(process):
    """Waits until the process catches signals: one that is sent now is acted upon."""
    while signal.SIGINT not in signals_in(process, "SigCgt"):
        assert process.poll() is None
    return process


def interrupt(process, number=signal.SIGINT):
    """Returns when the process has noted it: another would kill it."""
    process.send_signal(number)
    while process.poll() is None and number in signals_in(process, "SigCgt"):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_begins_nothing_more(number, tmp_path):
    """It writes into a pipe that nobody reads until it has noted the signal: two windows of texts are done meanwhile, since
    it has read the first of the third."""
    window, pipe_bytes = 256, 1 << 16
    texts = tmp_path / "many.txt"
    os.mkfifo(texts)
    process = started([PROGRAM, "analyze", "--json", "--threads", "2", "-q", "--input", texts])
    line = "This text of many is long enough that few of them fill a pipe, and short enough to be soon read.\n"
    with open(texts, "w", encoding="utf8") as file:
        file.write(line * (2 * window + 64 + pipe_bytes // len(line)))
    first = process.stdout.readline()
    interrupt(heeds(process), number)
    lines = [first, *process.stdout]
    assert process.wait() == 130
    errors = process.stderr.read()
    done = int(errors.removeprefix("attnviz: interrupted after ").removesuffix(" texts\n"))
    assert done == len(lines) and all(map(json.loads, lines))
    # What the pipe holds (64 KiB), what is being written (32 texts), and what this side has read ahead.
    assert done <= 64 + 3 * pipe_bytes // len(lines[-1]) < window


def test_an_interrupted_run_that_waits_for_texts_ends_at_once(tmp_path):
    pipe = tmp_path / "texts.txt"
    os.mkfifo(pipe)
    for written in ("", "The cat sat.\n", "The cat sat.\nA line without its end"):
        process = started([*DRAW, pipe, "-q", "-o", tmp_path / "out"])
        with open(pipe, "w", encoding="utf8") as texts:  # opened when the program has it open, too
            texts.write(written)
            texts.flush()
            process.send_signal(signal.SIGINT)
            assert process.wait() == 130
        assert process.stderr.read().startswith("attnviz: interrupted")
        assert not list((tmp_path / "out").glob(".manifest*")) or not written
        shutil.rmtree(tmp_path / "out", ignore_errors=True)


def test_an_interrupted_run_does_not_wait_for_a_pipe_to_be_opened_or_for_standard_input(tmp_path):
    pipe = tmp_path / "texts.txt"
    os.mkfifo(pipe)
    for source in (pipe, "-"):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = heeds(started([*DRAW, source, "-q", "-o", tmp_path / "out"], stdin=subprocess.PIPE))
            process.send_signal(number)
            assert process.wait() == 130
            assert process.stderr.read().startswith("attnviz: interrupted")
            shutil.rmtree(tmp_path / "out", ignore_errors=True)


def test_a_second_interruption_ends_a_run_at_once(tmp_path):
    texts = tmp_path / "many.txt"
    texts.write_text("The cat sat on the mat. " * 20_000, encoding="utf8")
    process = started([PROGRAM, "tokens", "--json", "-q", "--input", texts])
    process.stdout.read(1)
    interrupt(heeds(process))  # more than a pipe holds: what is being written can't be finished
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT

    command, whole, out, process = interrupted(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait() in (130, -signal.SIGINT, -signal.SIGTERM)
    assert not list(faults_of_killed(out, whole))
    resumed = subprocess.run([*command, out, "--resume"], capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert not list(faults_of_finished(out, whole))
