"""The page of figures does in a browser what it says. manifest_page_test.cc tests what the page holds."""
import os
import pathlib
import subprocess

from support.browser import Browser

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ATTNVIZ_BUILD", TOP / "build/release"))

# Uses the page as a reader does, and returns what it saw.
READER = """
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
return seen;
"""


def test_page_in_a_browser(tmp_path):
    out = tmp_path / "out"
    subprocess.run([BUILD / "manifest_run", out, "--items", "1000", "--page"], check=True)
    markup = "</script><img src=x onerror=\"document.title='taken'\">"
    with Browser() as browser:
        browser.open(out / "index.html")
        assert browser.run(READER) == {
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
        }
        assert browser.run("return document.title") == "attnviz: figures"
        assert browser.messages() == []
