#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives the resident of a demo an e-health card, and the card of a child of the household to show.

Usage: XINGLIN_TOKEN=… tools/demo_cards.py http://127.0.0.1:8080 PATIENT
Says what it did; ends with 0 also when there is no child, or cards are there already.
"""
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: XINGLIN_TOKEN=… tools/demo_cards.py ADDRESS PATIENT")
    base, resident = sys.argv[1], sys.argv[2]

    def call(path: str, body: dict | None = None) -> dict:
        request = urllib.request.Request(
            base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + os.environ["XINGLIN_TOKEN"], "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return {"refused": json.load(refused)}

    def issue(patient: str) -> bool:
        done = call("/api/v1/card/issue", {"patient": patient})
        return "number" in done or "has a card" in json.dumps(done)

    print("card of the resident:", "issued" if issue(resident) else "refused")
    me = call("/fhir/Patient/" + resident)
    phone = next((one["value"] for one in me.get("telecom", []) if one.get("system") == "phone"), "")
    family = (me.get("name") or [{}])[0].get("text", "")[:1]
    asked = {"birthdate": ["ge2014-01-01", "le2025-01-01"], "_count": "200"}
    children = [entry["resource"] for entry in call("/fhir/Patient?" + urllib.parse.urlencode(asked, doseq=True)).get("entry", [])]

    def closeness(child: dict) -> int:
        same_phone = any(phone and one.get("value") == phone for one in child.get("telecom", []))
        same_name = (child.get("name") or [{}])[0].get("text", "").startswith(family)
        return 2 * same_phone + same_name

    for child in sorted(children, key=closeness, reverse=True)[:5]:
        if not issue(child["id"]):
            continue
        granted = call("/api/v1/card/family", {"patient": child["id"], "holder": resident, "relation": "guardian", "proof": "户口簿"})
        print("card of a child:", "may be shown" if "id" in granted else granted)
        if "id" in granted:
            return


if __name__ == "__main__":
    main()
