#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the people of the demo work: reads a made-up district's FHIR files, prints NAME=VALUE lines for tools/demo.sh.

    resident         Patient of somebody with high blood pressure who lives where there is a village clinic
    village, area    that clinic and the division it looks after;  village2, area2: another one
    hospital         the hospital with the most visits;  district: what all division codes begin with
"""
import collections
import json
import os
import pathlib
import sys

division = "urn:xinglin:extension:division-code"


def lines(folder: pathlib.Path, name: str):
    path = folder / f"{name}.ndjson"
    if path.exists():
        with open(path, encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def code_of(resource: dict) -> str:
    for address in resource.get("address", []):
        for extension in address.get("extension", []):
            if extension.get("url") == division:
                return extension.get("valueString", "")
    return ""


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    organizations = {each["id"]: each for each in lines(folder, "Organization")}
    clinics = {}  # division to clinic
    for each in organizations.values():
        if "卫生室" in each.get("name", "") and code_of(each):
            clinics.setdefault(code_of(each), each["id"])
    ill = set()
    for each in lines(folder, "Condition"):
        if any(coding.get("code", "").startswith("I10") for coding in each.get("code", {}).get("coding", [])):
            ill.add(each["subject"]["reference"].split("/")[1])
    homes = {}
    codes = []
    for each in lines(folder, "Patient"):
        codes.append(code_of(each))
        if each["id"] in ill and "deceasedDateTime" not in each:
            homes[each["id"]] = code_of(each)
    visits = collections.Counter(each.get("serviceProvider", {}).get("reference", "/").split("/")[1] for each in lines(folder, "Encounter"))
    hospitals = [each for each, _ in visits.most_common() if "医院" in organizations.get(each, {}).get("name", "")]
    found = {"district": os.path.commonprefix([code for code in codes if code])[:6], "hospital": hospitals[0] if hospitals else ""}
    found["resident"] = next((each for each, home in homes.items() if home in clinics), next(iter(homes), ""))
    area = homes.get(found["resident"], "")
    if area in clinics:
        found["village"], found["area"] = clinics[area], area
        found["area2"] = next((code for code in clinics if code != area), "")
        found["village2"] = clinics.get(found["area2"], "")
    for name, value in found.items():
        print(f"{name}={value}")


main()
