#!/usr/bin/env python3
"""Writes src/figure/color_maps.inc: the published colour maps as 256 sRGB entries each.

usage: color_maps.py > src/figure/color_maps.inc

Takes the tables from matplotlib, so that a map has the colours its name promises anywhere else.
"""
import matplotlib

NAMES = ("Blues Reds YlOrRd Oranges Greens Purples Greys viridis magma inferno plasma cividis RdBu PuOr berlin").split()

print("""// Written by scripts/color_maps.py from matplotlib's tables; not edited by hand.
//
// Blues, Reds, YlOrRd, Oranges, Greens, Purples, Greys, RdBu, PuOr: colour specifications and designs by Cynthia
// Brewer (https://colorbrewer2.org), Apache License 2.0, interpolated to 256 entries as matplotlib does.
// viridis, magma, inferno, plasma: Nathaniel Smith, Stefan van der Walt and Eric Firing, CC0.
// cividis: Nunez, Anderton and Renslow (2018), doi:10.1371/journal.pone.0199239, CC0.
// berlin: Fabio Crameri, Scientific colour maps, doi:10.5281/zenodo.1243862, MIT.""")
for name in NAMES:
    # Rounded: matplotlib's own conversion to bytes cuts, and misses the published ends by one.
    entries = [[round(255 * channel) for channel in entry] for entry in matplotlib.colormaps[name](range(256))]
    print(f"constexpr ColorTable k{name[0].upper()}{name[1:]} = unpack({{")
    colors = [f"0x{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in entries]
    for start in range(0, 256, 10):
        print("    " + ", ".join(colors[start:start + 10]) + ",")
    print("});")
