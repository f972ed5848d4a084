#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_rooms.py must notice each way to break a wall: little houses, each with one fault."""
import pathlib
import tempfile
import unittest

import check_rooms

LIST = "room(words)\nroom(record NEEDS words DOORS figures.h)\nroom(testing NEEDS words)\nroom(api NEEDS words record)\n"


def house(cmake_lists, files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "CMakeLists.txt").write_text(cmake_lists)
        for name, text in files.items():
            path = root / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (root / "src").mkdir(exist_ok=True)
        return check_rooms.check(root)


class Walls(unittest.TestCase):
    def test_a_sound_house_has_nothing_to_say(self):
        self.assertEqual(house(LIST, {
            "api/routes.cpp": '#include "api/api.h"\n#include "record/record.h"\n#include "record/figures.h"\n#include <vector>\n',
            "api/routes_test.cpp": '#include "testing/testing.h"\n#include "api/routes_inside.h"\n'}), [])

    def test_an_undeclared_need_is_named(self):
        self.assertIn("does not declare", house(LIST, {"words/a.cpp": '#include "record/record.h"\n'})[0])

    def test_only_the_door_may_be_entered(self):
        self.assertIn("the door is record/record.h", house(LIST, {"api/a.cpp": '#include "record/table.h"\n'})[0])

    def test_testing_stays_out_of_the_product(self):
        self.assertEqual(len(house(LIST, {"api/a.cpp": '#include "testing/testing.h"\n'})), 1)

    def test_a_room_may_not_need_one_below_it(self):
        self.assertIn("not written above", house("room(words NEEDS record)\nroom(record)\n", {})[0])

    def test_a_file_outside_every_room_is_found(self):
        self.assertIn("no room", house(LIST, {"utils/a.cpp": ""})[0])

    def test_variables_of_the_list_are_understood(self):
        listed = "room(words)\nset(every words)\nroom(api NEEDS ${every}  # all\n  )\n"
        self.assertEqual(house(listed, {"api/a.cpp": '#include "words/words.h"\n'}), [])


if __name__ == "__main__":
    unittest.main()
