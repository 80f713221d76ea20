"""The reports of `attnviz check` against other readers: JUnit's schema, and an HTML parser."""
import html.parser
import os
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release")) / "attnviz"
SCHEMA = TOP / "tests/data/junit/JUnit.xsd"  # windyroad/JUnit-Schema, Apache-2.0
FIGURES = TOP / "tests/golden/readme"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Of figures that are the same, different, missing, obsolete and cut."""
    top = tmp_path_factory.mktemp("check")
    figures, baselines = top / "figures & more", top / "baselines"
    for directory in (figures, baselines):
        directory.mkdir()
    for directory, name, source in ((figures, "same.png", "overview"), (baselines, "same.png", "overview"),
                                    (figures, "other.png", "compare"), (baselines, "other.png", "diff"),
                                    (figures, "new.png", "diff"), (baselines, "gone.png", "diff"),
                                    (figures, "cut.png", "diff"), (baselines, "cut.png", "diff")):
        data = (FIGURES / f"{source}.png").read_bytes()
        (directory / name).write_bytes(data[:500] if name == "cut.png" and directory == figures else data)
    done = subprocess.run([PROGRAM, "check", figures, "--baseline", baselines, "--report", top / "r.xml",
                           "--report", top / "r.html"], capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.endswith("check: 4 figures: 1 same, 1 different, 1 missing, 1 obsolete, 1 failed\n")
    return top


def test_junit_report_is_valid(reports):
    done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SCHEMA, reports / "r.xml"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_junit_report_counts(reports):
    suite = xml.etree.ElementTree.parse(reports / "r.xml").getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "2", "1", "1"]
    kinds = {pathlib.Path(case.get("name")).name: [child.tag for child in case] for case in suite.iter("testcase")}
    assert kinds == {"same.png": [], "other.png": ["failure"], "new.png": ["failure"], "cut.png": ["error"],
                     "gone.png": ["skipped"]}


def test_html_report_is_well_formed_and_loads_nothing(reports):
    open_tags = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag not in ("meta", "img", "source"):
                open_tags.append(tag)
            for name, value in attributes:
                assert name not in ("src", "srcset", "href") or value.startswith("data:image/svg+xml,")

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Parser().feed((reports / "r.html").read_text(encoding="utf8"))
    assert open_tags == []
