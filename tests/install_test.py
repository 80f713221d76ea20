"""An installed program needs nothing of the build or of the caller's environment."""
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))


def test_installed_program_finds_libtorch_fonts_and_models(tmp_path):
    prefix = tmp_path / "prefix"
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "Unspecified"],
                   check=True, capture_output=True)
    models = prefix / "share/attnviz/models"  # the component "models", without its copies
    models.mkdir()
    (models / "installed").symlink_to(TOP / "models/gpt2-demo")

    def run(program, *arguments):
        return subprocess.run([program, *arguments], env={}, cwd=tmp_path, capture_output=True, text=True)

    for name in ("installed.pdf", "built.pdf"):
        program = prefix / "bin/attnviz" if name == "installed.pdf" else BUILD / "attnviz"
        done = run(program, "render", "--model", models / "installed", "--layer", "2", "--head", "1", "-o", name, "A b")
        assert (done.returncode, done.stdout) == (0, f"{name}\n"), done.stderr
    assert (tmp_path / "installed.pdf").read_bytes() == (tmp_path / "built.pdf").read_bytes()
    assert "installed" in run(prefix / "bin/attnviz", "models").stdout
