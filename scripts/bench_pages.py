#!/usr/bin/env python3
"""How long a page takes to follow the pointer, in headless Chromium without a GPU.

usage: scripts/bench_pages.py PAGE FRAGMENT SELECTOR

Opens PAGE#FRAGMENT from disk and points at 40 of the elements that SELECTOR names, in turn. Prints as JSON the milliseconds
until the page's own work is done, and until its next frame is there: medians and the longest; and the seconds until it was drawn.
"""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.browser import Browser  # noqa: E402

POINT = """
const [selector, done] = arguments;
(async () => {
  const work = [], frame = [];
  const things = [...document.querySelectorAll(selector)];
  for (let i = 0; i < 40; i += 1) {
    const start = performance.now();
    things[(i * 7) % things.length].dispatchEvent(new PointerEvent("pointerenter"));
    work.push(performance.now() - start);
    await new Promise((resolve) => requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = resolve;
      channel.port2.postMessage(0);
    }));
    frame.push(performance.now() - start);
  }
  const told = (times) => { times.sort((a, b) => a - b); return { median: times[20], longest: times[39] }; };
  done({ work: told(work), frame: told(frame) });
})();
"""


def main():
    page, fragment, selector = sys.argv[1:]
    with Browser() as browser:
        browser.driver.set_script_timeout(120)
        start = time.perf_counter()
        browser.open(pathlib.Path(page).resolve().as_uri() + "#" + fragment)
        while browser.run("return document.getElementById('stage').hasAttribute('aria-busy')"):
            time.sleep(0.02)
        drawn = time.perf_counter() - start
        print(json.dumps({**browser.driver.execute_async_script(POINT, selector), "drawn": drawn}))


if __name__ == "__main__":
    main()
