#!/usr/bin/env python3
"""Kills a run at random moments, resumes it, and compares what is there with what an undisturbed run writes.

usage: kill_resume.py [--times N] [--seed N] [--scratch DIRECTORY] -- COMMAND...

COMMAND is a batch command whose words may hold {out}, the directory it writes to; to resume it, --resume is
appended. It runs once undisturbed; then, N times, it is killed (SIGKILL) within that time, and resumed;
every third resumed run is killed too, until one ends. After each kill every file must be whole and every line of the
manifest must stand for a whole file; at the end the directory must equal the undisturbed run's, byte for byte.
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time


def contents(directory):
    return {path.name: path.read_bytes() for path in pathlib.Path(directory).iterdir()}


def faults_of_killed(out, whole):
    """What a run that died must not leave. `whole` are the contents of an undisturbed run's directory."""
    found = contents(out) if out.exists() else {}
    for name, data in found.items():
        if name.startswith("."):
            continue
        if name.endswith(".json") and name.startswith("run"):
            json.loads(data)
        elif name.startswith("manifest"):
            complete, _, rest = data.rpartition(b"\n")
            for line in complete.split(b"\n") if complete else []:
                entry = json.loads(line)
                file = entry.get("file")
                if file and hashlib.sha256(found.get(file, b"")).hexdigest() != entry["sha256"]:
                    yield f"{name}: index {entry['index']} names {file}, which is not whole"
            if not whole[name].startswith(data):
                yield f"{name} is no beginning of the undisturbed run's"
        elif data != whole.get(name):
            yield f"{name} is not whole"


def faults_of_finished(out, whole):
    found = contents(out)
    for name in sorted(found.keys() | whole.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in whole:
            yield f"{name} was left"
        elif found[name] != whole[name]:
            yield f"{name} differs from the undisturbed run's"


def killed_run(command, seconds):
    """Whether it was killed; a run that ends by itself must end well."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    if process.returncode:
        sys.exit(f"kill_resume: {' '.join(command)}: exit status {process.returncode}\n{errors.decode()}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scratch", type=pathlib.Path, help="where to write, a directory that exists")
    parser.add_argument("command", nargs="+", help="a batch command, with {out} for its directory")
    arguments = parser.parse_args()
    if not any("{out}" in word for word in arguments.command):
        parser.error("COMMAND has no {out}")
    choose = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        scratch = pathlib.Path(scratch)

        def command(out):
            return [word.replace("{out}", str(scratch / out)) for word in arguments.command]

        started = time.monotonic()
        killed_run(command("whole"), None)
        seconds = time.monotonic() - started
        whole = contents(scratch / "whole")
        print(f"undisturbed: {seconds:.2f} s, {len(whole)} files")
        out, kills, faults = scratch / "out", 0, []
        for number in range(arguments.times):
            shutil.rmtree(out, ignore_errors=True)
            resumed, left = [], 3 if number % 3 == 0 else 1
            while True:
                limit = choose.uniform(0, seconds) if left > 0 else None
                killed = killed_run(command("out") + resumed, limit)
                faults += [f"kill {number}: {fault}" for fault in faults_of_killed(out, whole)]
                if not killed:
                    break
                kills, left, resumed = kills + 1, left - 1, ["--resume"]
            faults += [f"kill {number}, at the end: {fault}" for fault in faults_of_finished(out, whole)]
        print(f"{kills} kills in {arguments.times} runs, {len(faults)} faults")
        print("\n".join(faults[:20]), end="\n" if faults else "")
        return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
