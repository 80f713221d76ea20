#!/usr/bin/env python3
"""Guards the layout of the house: which room may include which, and which room confines which library.

usage: check_rooms.py [CHECKOUT]     prints each include that breaks the tables, and exits 1 on any
"""
import pathlib
import re
import sys

# A room may include what it names here, and what those may include.
ROOMS = {
    "error": [],
    "sandbox": ["error"],
    "file": ["error"],
    "text": ["error"],
    "tokens": ["text", "file"],
    "attention": ["file"],
    "catalog": ["file"],
    "model": ["tokens", "attention", "catalog"],
    "analysis": ["attention", "text"],
    "figure": ["analysis"],
    "record": ["figure"],
    "render": ["figure", "file"],
    "page": ["record", "file"],
    "manifest": ["file", "text"],
    "check": ["record", "render"],
    "http": ["error"],
    "cli": ["model", "sandbox", "manifest", "check", "page", "http"],
}

# A library's headers, and the folders under src that may include them. No public header may.
LIBRARIES = {
    r"torch/|ATen/|c10/|caffe2/": ["model/torch"],
    r"cairo|pango|fontconfig|hb|ft2build|png\.h|spng": ["render"],
    r"libdeflate": ["render", "catalog"],
    r"xxhash": ["manifest"],
    r"glib": ["file", "main.cc", "manifest", "record", "render"],
    r"boost/(asio|beast)/": ["http"],
    r"boost/": ["analysis", "http"],
    r"nlohmann/": ["text", "tokens", "attention", "catalog", "model", "record", "manifest", "check", "http",
                   "cli"],
    r"CLI/": ["cli"],
}


def allowed(room):
    return {room}.union(*(allowed(other) for other in ROOMS[room]))


def faults(top):
    files = [*top.glob("include/attnviz/*.h"), *top.glob("src/**/*.h"), *top.glob("src/**/*.cc")]
    assert len(files) > 20, f"{top}: no checkout of attnviz"
    for path in sorted(files):
        public = path.parts[-2] == "attnviz"
        inside = path.relative_to(top).parts[1:-1]
        room = path.stem if public else inside[0] if inside else "cli"
        if room not in ROOMS:
            yield f"{path}: {room} is no room"
            continue
        for kind, name in re.findall(r'^#include ([<"])([^>"]+)', path.read_text(encoding="utf8"), re.M):
            other = re.match(r"attnviz/(\w+)\.h|(\w+)/", name) if kind == '"' else None
            if other and other[1] and other[1] not in allowed(room):
                yield f"{path}: {room} may not include {name}"
            if other and other[2] and other[2] != room:
                yield f"{path}: {name} is a helper of another room"
            for library, places in LIBRARIES.items():
                if kind == "<" and re.match(library, name) and (public or not any(
                        path.is_relative_to(top / "src" / place) for place in places)):
                    yield f"{path}: {name} is confined to {', '.join(places)}"
    for path in sorted(top.glob("tests/**/*.cc")):
        # Tests see of libtorch what users do.
        for name in re.findall(r"^#include <((?:torch|ATen|c10|caffe2)/[^>]+)", path.read_text(encoding="utf8"), re.M):
            yield f"{path}: {name} is confined to model/torch"


if __name__ == "__main__":
    found = list(faults(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
    print("\n".join(found) or "the rooms are in order")
    sys.exit(bool(found))
