"""What README.md shows is what the program does today."""
import pathlib
import subprocess
import sys


def test_every_command_gives_the_output_and_the_picture_shown():
    script = pathlib.Path(__file__).resolve().parent.parent / "scripts/readme"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
