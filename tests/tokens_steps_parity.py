"""Normalizers, pre-tokenizers and their patterns against Hugging Face's tokenizers; scripts/sweep_tokenizers
gives them all the texts there are."""
import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(TESTS))

from sweep import steps, sweep  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TESTS.parent / "build" / "release"))
KINDS = ("runs of scalars", "edge cases", "interesting pairs", "assigned characters", "interesting characters")


def test_every_step_gives_what_the_reference_gives(tmp_path):
    results = list(sweep.run(BUILD / "tokens_sweep", tmp_path, fraction=0.001, jobs=1, kinds=KINDS,
                             makers=(steps.make_subjects,)))
    assert sum(result.records for result in results) > 70_000
    assert not [str(result) for result in results if result.differences]
