"""A run killed at any moment leaves whole files, and resumed it gives what it gives undisturbed."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile

import pytest
from kill_resume import contents, faults_of_finished, faults_of_killed

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))
DRIVER, PRELOAD = BUILD / "manifest_run", BUILD / "libkill_at.so"


@pytest.fixture
def scratch():
    """In memory where that is possible: what a kill leaves does not depend on the disk."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        yield pathlib.Path(path)


def run(out, *arguments, moment=0, count=None):
    variables = {**os.environ, "LD_PRELOAD": str(PRELOAD), "KILL_AT": str(moment)}
    if count:
        variables["KILL_COUNT"] = str(count)
    return subprocess.run([DRIVER, out, *arguments], env=variables, capture_output=True, text=True)


def check_resumed(out, whole, what):
    done = run(out, "--resume")
    assert done.returncode == 0, f"{what}: {done.stderr}"
    assert list(faults_of_finished(out, whole)) == [], what


def undisturbed(scratch):
    done = run(scratch / "whole", count=scratch / "moments")
    assert done.returncode == 0, done.stderr
    return contents(scratch / "whole"), int((scratch / "moments").read_text())


def test_killed_at_every_moment(scratch):
    whole, moments = undisturbed(scratch)
    assert len(whole) > 15 and moments > 50
    for moment in range(1, moments + 1):
        out = scratch / "out"
        shutil.rmtree(out, ignore_errors=True)
        assert run(out, moment=moment).returncode == -signal.SIGKILL, moment
        assert list(faults_of_killed(out, whole)) == [], moment
        check_resumed(out, whole, f"killed at {moment}")


def test_killed_again_while_it_resumes(scratch):
    whole, moments = undisturbed(scratch)
    choose = random.Random(1)
    for _ in range(40):
        out = scratch / "out"
        shutil.rmtree(out, ignore_errors=True)
        run(out, moment=choose.randint(1, moments))
        # What a machine's crash may do on top: the tail of the manifest is lost or cut, a file is gone.
        manifest, lost = out / "manifest.jsonl", []
        if choose.random() < 0.5 and manifest.exists():
            os.truncate(manifest, choose.randint(0, manifest.stat().st_size))
        if choose.random() < 0.3:
            lost = sorted(out.glob("*.svg"))[:1]
        for path in lost:
            path.unlink()
        at = choose.randint(1, moments)
        if run(out, "--resume", moment=at).returncode and not lost:
            assert list(faults_of_killed(out, whole)) == [], at
        check_resumed(out, whole, f"killed at {at} while it resumed")


def test_killed_at_every_moment_of_repairing(scratch):
    """Trusted lines are never fewer than those that were verified."""
    whole, _ = undisturbed(scratch)
    damaged, out = scratch / "damaged", scratch / "out"
    shutil.copytree(scratch / "whole", damaged)
    (damaged / "21.svg").unlink()
    trusted = b"".join(whole["manifest.jsonl"].splitlines(True)[:21])
    moment = 0
    while True:
        moment += 1
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(damaged, out)
        if run(out, "--resume", moment=moment).returncode == 0:
            break
        assert (out / "manifest.jsonl").read_bytes().startswith(trusted), moment
        check_resumed(out, whole, f"killed at {moment}")
    assert moment > 20
