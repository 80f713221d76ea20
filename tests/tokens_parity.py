"""A sample of the comparison with Hugging Face's tokenizers; scripts/sweep_tokenizers runs all of it."""
import os
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(TESTS))

from sweep import sweep  # noqa: E402

BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TESTS.parent / "build" / "release"))


def test_every_tokenizer_gives_what_the_reference_gives(tmp_path):
    results = list(sweep.run(BUILD / "tokens_sweep", tmp_path, fraction=0.004))
    assert sum(result.records for result in results) > 1_000_000
    assert not [str(result) for result in results if result.differences]
