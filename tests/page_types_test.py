"""The page's scripts hold what their types say."""
import pathlib
import shutil
import subprocess

PAGE = pathlib.Path(__file__).resolve().parent.parent / "src/page"


def test_types():
    compiler = shutil.which("tsc")
    assert compiler, "there is no tsc here: apt-get install node-typescript"
    done = subprocess.run([compiler, "--project", PAGE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
