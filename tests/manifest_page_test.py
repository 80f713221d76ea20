"""The page of figures does in a browser what it says. manifest_page_test.cc tests what the page holds."""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

# Uses the page as a reader does, and leaves what it saw in the document.
READER = """
<script>
const seen = {};
const at = (id) => document.getElementById(id);
const texts = () => [...document.querySelectorAll("li .text")].map((text) => text.textContent);
function set(id, value) { at(id).value = value; at(id).dispatchEvent(new Event(id === "search" ? "input" : "change")); }
seen.sorts = [...at("sort").options].map((option) => option.text);
seen.outcomes = [...at("outcome").options].map((option) => option.text);
seen.first = texts().slice(0, 6);
seen.cards = texts().length;
seen.image = document.querySelector("li img").src.split("/").pop();
set("search", "TEXT 77");
seen.found = texts();
seen.count = at("count").textContent;
set("search", "onerror"); set("outcome", "error");
seen.markup = [texts().length, new Set(texts()).size, document.querySelectorAll("li .text img").length];
set("search", ""); set("outcome", "all"); set("sort", "metric entropy"); at("order").click();
seen.last = texts()[0];
seen.order = at("order").textContent;
set("search", "no such text");
seen.nothing = [texts().length, at("count").textContent];
setTimeout(() => {
  seen.title = document.title;
  const result = document.createElement("pre");
  result.id = "seen";
  result.textContent = btoa(JSON.stringify(seen));
  document.body.append(result);
}, 100);
</script>
"""


@pytest.mark.skipif(not BROWSER, reason="there is no Chromium here")
def test_page_in_a_browser(tmp_path):
    out = tmp_path / "out"
    subprocess.run([BUILD / "manifest_run", out, "--items", "1000", "--page"], check=True)
    (out / "read.html").write_text((out / "index.html").read_text(encoding="utf8") + READER, encoding="utf8")
    done = subprocess.run([BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
                           "--virtual-time-budget=5000", "--dump-dom", (out / "read.html").as_uri()],
                          capture_output=True, text=True, timeout=60)
    found = re.search(r'<pre id="seen">([^<]*)</pre>', done.stdout)
    assert found, done.stderr
    seen = json.loads(base64.b64decode(found[1]))
    markup = "</script><img src=x onerror=\"document.title='taken'\">"
    assert seen == {
        "sorts": ["index", "length", "entropy"],
        "outcomes": ["all (1000)", "figures (334)", "errors (333)", "left out (333)"],
        "first": ["text 0", "text 1", "text 2", "text 3", "text 4", markup],
        "cards": 60,
        "image": "0.svg",
        "found": [f"text {number}" for number in range(1000) if "77" in str(number) and number % 10 != 5],
        "count": "18 of 1000 items",
        "markup": [33, 1, 0],
        "last": "text 999",
        "order": "descending",
        "nothing": [0, "0 of 1000 items"],
        "title": "attnviz: figures",
    }
