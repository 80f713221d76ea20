"""Script, markup and control codes in texts, names and titles: no output lets them out of the place of a text."""
import csv
import html.parser
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))
PROGRAM = BUILD / "attnviz"
sys.path.insert(0, str(TOP / "tests"))

from support.browser import Browser  # noqa: E402

COUNT = 500
OPENED = int(os.environ.get("ATTNVIZ_PAYLOADS", 40))  # in a browser

MARKUP = [
    "<script>document.title='broken'</script>", "</script><script>document.title='broken'</script>",
    "<img src=x onerror=document.title='broken'>", "</script><img src=x onerror=document.title='broken'>",
    "<svg onload=document.title='broken'>", "</title><svg/onload=document.title='broken'>", "</style><script>broken()</script>",
    "]]><script>document.title='broken'</script>", "<![CDATA[broken]]>", "<!--", "-->", "--!><img src=x onerror=broken()>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;", "&lt;script&gt;", "&#x3c;script&#x3e;", "&amp;&quot;&apos;",
    "\" onmouseover=\"document.title='broken'", "' onfocus='document.title=1' autofocus='", "javascript:document.title='broken'",
    "<a href='javascript:document.title=1'>x</a>", "<iframe srcdoc='<script>parent.document.title=1</script>'>",
    "<foreignObject><body onload=document.title='broken'/></foreignObject>", "<?xml version='1.0'?><x/>", "<?php echo 1 ?>",
    "<base href='http://127.0.0.1/'>", "<meta http-equiv=refresh content='0;url=about:blank'>", "<math><mi//xlink:href='x'>",
    "<template><script>1</script></template>", "<noscript><p title='</noscript><img src=x onerror=1>'>", "{{7*7}} ${7*7} <%= 7*7 %>",
    "\\u003cscript\\u003e", "\\\"; document.title = 'broken'; //", "`${document.title='broken'}`", "%3Cscript%3E", "<x:script/>",
    "</text><script>document.title='broken'</script>", "</metadata><script>document.title='broken'</script>", "url(#x)",
    "@import 'http://127.0.0.1/x.css';", "expression(document.title='broken')",
]
CONTROL = [
    "\x1b[31mred\x1b[0m", "\x1b]0;broken\x07", "\x1b]52;c;YnJva2Vu\x07", "\x1b]8;;http://127.0.0.1/\x1b\\x\x1b]8;;\x1b\\", "\x9b31m",
    "\x9d0;broken\x9c", "\x1bP$q\x1b\\", "\x1b[2J\x1b[H", "\x1bc", "\x07\x08\x7f", "\u2028", "\u2029", "\u202e broken \u202c", "\u2066x\u2069",
    "\u200e\u200f\u061c", "\u200b\u2060\ufeff", "\ufff9\ufffa\ufffb", "\U000e0001\U000e0041", "\u0085", "\u00ad", "\ufffe\uffff",
    "a\u0300\u0301\u0302\u0303", "\ud7a3\ue000\uf8ff",
]
LINES = ["::error::broken", "::set-output name=x::broken", "%0A::error::broken", "%25%0D%0A", "::add-mask::x", "##[error]broken", "=1+1", "+1", "-1", "@SUM(1)",
         "=cmd|' /C calc'!A0", "\"\",\"\"", "a,b", "a;b", "a\tb", "'", "\"", "\\", "../../../etc/passwd", "~/x", "-o", "--help", "$(id)", "`id`", "|id", "con", "%n%s%x"]


def payloads():
    """COUNT of them, each with a word of its own."""
    choose = random.Random(5)
    alone = MARKUP + CONTROL + LINES
    found = list(alone)
    while len(found) < COUNT:
        parts = choose.choices(alone, k=choose.randint(2, 4))
        found.append(choose.choice(("", " ", "x", "\u2028", "'\"")).join(parts))
    return [f"word{i} {text}" for i, text in enumerate(found[:COUNT])]


PAYLOADS = payloads()


def run(*arguments, cwd, status=0):
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == status, (arguments, done.stderr)
    return done


def harmful(text):
    """What could steer a terminal or reorder a line; line ends and what attnviz colours with are not."""
    text = re.sub("\x1b\\[[0-9;]*m", "", text)
    return [hex(ord(c)) for c in text if c != "\n" and c != "\r" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs")
            and c not in "\u200c\u200d"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("payloads")
    with open(directory / "texts.jsonl", "w", encoding="utf8") as out:
        for payload in PAYLOADS:
            out.write(json.dumps({"text": payload, "id": payload}) + "\n")
    return directory


@pytest.fixture(scope="module")
def figures(texts):
    """An SVG of each payload, named after it."""
    run("render", "-q", "--layer", "1", "--head", "0", "--id-field", "id", "--format", "svg", "--input", "texts.jsonl", "-o", "figures",
        cwd=texts)
    return texts / "figures"


def test_figures_hold_texts_as_texts(figures):
    """libxml2 reads each figure; it has no element but those of any figure, and links nowhere."""
    pictures = sorted(figures.glob("*.svg"))
    assert len(pictures) == COUNT
    done = subprocess.run(["xmllint", "--noout", "--nonet", *pictures], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    assert done.stderr == ""
    names = set()
    for picture in pictures:
        for element in xml.etree.ElementTree.parse(picture).iter():
            names.add(element.tag.rpartition("}")[2])
            handlers = [name for name in element.attrib if name.lower().startswith("on")]
            links = [value for name, value in element.attrib.items() if name.endswith("href") and not value.startswith(("#", "data:image/png"))]
            assert not handlers and not links, picture
    assert names <= {"svg", "c", "title", "desc", "metadata", "defs", "g", "rect", "path", "text", "tspan", "use", "clipPath", "image", "line",
                     "polygon", "style", "symbol", "record"}, names


def test_manifest_and_index(figures):
    entries = [json.loads(line) for line in (figures / "manifest.jsonl").read_text(encoding="utf8").split("\n") if line]
    assert [entry["text"] for entry in entries] == PAYLOADS
    for entry in entries:
        path = figures / entry["file"]
        assert path.parent == figures and path.exists() and not harmful(entry["file"])


def pages(texts, figures):
    """Pages that hold payloads: the index of the run, a view, a report of check."""
    yield figures / "index.html"
    for i in random.Random(7).sample(range(COUNT), OPENED):
        yield from (page_of(texts, i), sorted(figures.glob("*.svg"))[i])


def page_of(texts, i):
    name = f"view{i}.html"
    run("view", "head", "--layers", "1", "--title", PAYLOADS[i].replace("\n", " "), "-o", name, "--", PAYLOADS[i], cwd=texts)
    return texts / name


def test_browser_runs_nothing(texts, figures):
    with Browser() as browser:
        for page in pages(texts, figures):
            browser.open(page)
            assert "broken" not in browser.run("return String(window.broken || '') + (document.title === 'broken' ? 'broken' : '')"), page
            strange = browser.run("""return [...document.querySelectorAll('*')].filter(e =>
                [...e.attributes].some(a => a.name.startsWith('on')) || (e.localName === 'script' && !e.id && e.textContent.length < 2000)
                || ['iframe', 'base', 'foreignobject', 'math', 'template'].includes(e.localName)).map(e => e.outerHTML.slice(0, 200))""")
            assert strange == [], page
            assert browser.messages() == [], page


def test_terminal_shows_no_codes(texts):
    for payload in PAYLOADS:
        shown = run("tokens", "--", payload, cwd=texts)
        assert not harmful((shown.stdout + shown.stderr).decode()), payload
    for payload in PAYLOADS[:: COUNT // 60]:
        if "\0" in payload:
            continue
        for arguments in (["render", "--model", payload, "x"], ["render", "--cmap", payload, "x"], ["tokens", f"--{payload}"], [payload],
                          ["check", payload], ["extract", "-o", f"{payload}/x.npz", "x"], ["render", "--input", payload, "-o", "d"]):
            done = subprocess.run([PROGRAM, *arguments], cwd=texts, capture_output=True, stdin=subprocess.DEVNULL)
            assert done.returncode == 2, arguments
            assert not harmful((done.stdout + done.stderr).decode()), arguments


def test_tables_keep_their_columns(texts):
    """A payload that begins like a formula stays text in a spreadsheet only if it is marked; columns and rows stay."""
    done = run("analyze", "-q", "--csv", "--table", "received", "--input", "texts.jsonl", cwd=texts)
    heading, *rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
    assert {len(row) for row in rows} == {len(heading)}
    assert list(dict.fromkeys(row[0] for row in rows)) == [str(i) for i in range(COUNT)]


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, [name for name, _ in attributes if name.startswith("on")]))


def test_reports_hold_names_as_names(texts, figures):
    """check over figures whose names are payloads: JUnit, HTML, text and GitHub's annotations."""
    odd, baseline = texts / "odd", texts / "baseline"
    odd.mkdir()
    baseline.mkdir()
    source = sorted(figures.glob("*.svg"))
    for i, payload in enumerate(PAYLOADS):
        name = payload.replace("/", "∕").replace("\0", "").encode()[:200].decode(errors="ignore") + ".svg"
        (odd / name).write_bytes(source[i].read_bytes())
        if i % 2:
            (baseline / name).write_bytes(source[(i + 2) % COUNT].read_bytes())
    done = run("check", "odd", "--baseline", "baseline", "--report", "r.xml", "--report", "r.html", "--report", "r.json", "--github",
               cwd=texts, status=1)
    assert subprocess.run(["xmllint", "--noout", "--nonet", texts / "r.xml"]).returncode == 0
    cases = xml.etree.ElementTree.parse(texts / "r.xml").iter("testcase")
    assert len(list(cases)) == COUNT
    json.loads((texts / "r.json").read_text(encoding="utf8"))
    elements = Elements()
    elements.feed((texts / "r.html").read_text(encoding="utf8"))
    assert not [tag for tag, handlers in elements.found if handlers or tag in ("script", "img", "iframe", "base", "foreignobject")]
    shown = done.stdout.decode()
    assert not harmful(shown)
    # A command of GitHub's stands at a line's beginning: only attnviz's own do.
    commands = [line for line in shown.split("\n") if re.match(r"\s*(::|##\[)", line)]
    assert all(re.match(r"::(error|warning|notice) (file|title)=", line) for line in commands), commands[:5]
    assert len(commands) <= COUNT + 1
