#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""area_map.py thins borders without tearing neighbours apart."""
import math
import unittest
from collections import Counter

import area_map


def area(name, ring):
    return {"properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring + ring[:1]]}}


def segments(shapes):
    return Counter(frozenset((tuple(a), tuple(b))) for _, rings in shapes for ring in rings for a, b in zip(ring, ring[1:]))


class AreaMap(unittest.TestCase):
    def setUp(self):
        self.border = [(5 + 0.3 * math.sin(y), y / 4) for y in range(41)]
        west = [(0, 0)] + self.border + [(0, 10)]
        east = [(10, 10)] + self.border[::-1] + [(10, 0)]
        self.areas = [area("west", west), area("east", east)]

    def test_a_border_is_thinned_once_for_both_its_areas(self):
        shapes = area_map.simplified(self.areas, 0.05)
        shared = [segment for segment, times in segments(shapes).items() if times == 2]
        self.assertLess(len(shared), 40)
        self.assertGreater(len(shared), 3)
        outside = [segment for segment, times in segments(shapes).items() if times == 1]
        self.assertEqual(len(outside), 6)
        self.assertTrue(all(ring[0] == ring[-1] for _, rings in shapes for ring in rings))

    def test_nothing_is_dropped_when_nothing_is_small(self):
        shapes = area_map.simplified(self.areas, 0)
        self.assertEqual(len(shapes[0][1][0]), len(self.areas[0]["geometry"]["coordinates"][0]))

    def test_a_border_that_comes_back_on_itself_is_cut_off(self):
        self.assertEqual(area_map.without_spikes([(0, 0), (1, 0), (1, 5), (1, 9), (1, 5), (1, 0), (1, 1)]), [(0, 0), (1, 0), (1, 1)])

    def test_thinning_never_makes_borders_cross(self):
        needle = [(2, 0), (5.1, 2.49), (5.1, 2.51), (2, 5)]
        shapes = area_map.simplified([*self.areas, area("in", needle)], 0.5)
        arcs = {at: ring for at, (_, rings) in enumerate(shapes[:2]) for ring in rings}
        self.assertEqual(area_map.crossing_arcs({0: arcs[0]}), set())


if __name__ == "__main__":
    unittest.main()
