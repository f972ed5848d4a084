# SPDX-License-Identifier: Apache-2.0
"""What each fuzz target starts from: pieces of the test data of this repository, and a few written here.

write(target, folder) fills a folder with one file a seed. A target without an entry starts from nothing.
"""
import gzip
import hashlib
import json
import pathlib
import re
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent


def examples(*types: str, longest: int = 6000) -> list[bytes]:
    """The smallest official examples: at most four of each type."""
    taken: dict[str, int] = {}
    lines = gzip.open(ROOT / "src/fhir/testdata/r4-examples.ndjson.gz").read().splitlines()
    found = []
    for line in sorted(lines, key=len):
        kind = json.loads(line)["resourceType"]
        if len(line) <= longest and (not types or kind in types) and taken.get(kind, 0) < 4:
            taken[kind] = taken.get(kind, 0) + 1
            found.append(line)
    return found


def registries() -> list[bytes]:
    """Entries behind an even byte, cells behind an odd one."""
    types = ("Organization", "Location", "Practitioner", "PractitionerRole", "Device", "DeviceDefinition", "Medication", "OrganizationAffiliation")
    cells = ("2026/3/1", "20260301", "130303101", "12130399X00000019Y", "119.75", "-0.5", "在用", "空闲", "病区", "renmin-001")
    return [b"\0" + each for each in examples(*types)] + [b"\1" + each.encode() for each in cells]


def texts(folder: str, pattern: str, longest: int = 20_000) -> list[bytes]:
    read = (path.read_bytes() for path in sorted((ROOT / folder).glob(pattern)))
    return [text[:longest] for text in read]


def lines(*several: str) -> list[bytes]:
    return [each.encode() for each in several]


def fhirpath_expressions() -> list[bytes]:
    tree = xml.etree.ElementTree.parse(ROOT / "src/fhirpath/testdata/tests-fhir-r4-half.xml")
    patient = (ROOT / "src/fhirpath/testdata/patient-example.json").read_bytes()
    found = [(each.text or "").encode() for each in tree.iter("expression")]
    return found + [each + b"\0" + patient for each in found[::10]]


def views() -> list[bytes]:
    found = []
    for path in sorted((ROOT / "src/view/testdata").glob("*.json")):
        suite = json.loads(path.read_text())
        resources = [json.dumps(each).encode() for each in suite.get("resources", [])] or [b"{}"]
        for number, test in enumerate(suite.get("tests", [])):
            found.append(json.dumps(test.get("view", {})).encode() + b"\0" + resources[number % len(resources)])
    return found


def terminologies() -> list[bytes]:
    tables = [bytes([0]) + text for text in texts("content/terminology", "*.csv", 2000)]
    sets = [bytes([kind]) + each for each in examples("ValueSet") for kind in (1, 129)]
    return tables + sets + [bytes([2]) + each for each in examples("CodeSystem")] + \
        [bytes([kind]) + each for each in examples("ConceptMap") for kind in (3, 131)]


def requests() -> list[bytes]:
    several = [
        "GET /fhir/Patient?name=%E5%BC%A0&_count=5 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip;q=0.5\r\n\r\n",
        "POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"
        "GET / HTTP/1.0\r\n\r\n",
        "POST /fhir HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        "5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
        "PUT http://x/fhir/A/1 HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\na",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
        "HEAD /a/%2e%2e HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"]
    return [bytes([cut]) + each.encode() for each in several for cut in (0, 40, 90)]


def query_lines() -> list[bytes]:
    return lines(
        "Patient\nname=张\nbirthdate=ge1970-01\n_sort=-birthdate,name\n_count=20\n",
        "Patient\nidentifier=urn:a|1,urn:b|\ngender:not=male\n_has:Condition:patient:code=http://a|b\n",
        "Observation\ncode-value-quantity=http://loinc.org|8480-6$gt140|http://unitsofmeasure.org|mm[Hg]\n",
        "Observation\nsubject:Patient.name:exact=a\\,b\ndate=sa2020-02-29T12:00:00.5+08:00\nvalue-quantity=ap5.4e0\n",
        "Condition\ncode:in=http://x/vs\ncode:below=E11\n_include:iterate=Condition:subject:Patient\n",
        "Encounter\nstatus:missing=true\n_revinclude=Observation:encounter\n_elements=id,status\n_summary=count\n",
        "ValueSet\nurl:below=http://hl7.org/fhir\n_total=accurate\n_lastUpdated=lt2030\n_id=a,b\n")


def query_strings() -> list[bytes]:
    return lines("name=%E5%BC%A0&a+b=c%2Bd", "&&a&=b&a==", "_format=json;x=%00", "%E4%BD%A0=%F0%9F%98%80")


def backups() -> list[bytes]:
    manifest = {"format": "xinglin-backup 1", "version": "0.1", "kind": "differential", "made_at": "2026-11-22T00:00:00Z",
                "from": 3, "upto": 9, "base": "full", "offset_minutes": 480, "seconds": 1.5, "verified": True,
                "files": [{"name": "changes.ndjson.gz", "bytes": 7, "sha256": "0" * 64}]}
    line = {"position": 7, "type": "Patient", "id": "a", "version": 2, "updated_ms": 1795305600000, "how": "update"}
    erased = json.dumps({**line, "how": "delete"})
    return lines(json.dumps(manifest), json.dumps({**manifest, "kind": "full"}), erased,
                 json.dumps({**line, "resource": {"resourceType": "Patient", "id": "a"}}))


def patches() -> list[bytes]:
    patient = (ROOT / "src/fhirpath/testdata/patient-example.json").read_text()
    small = json.dumps({"resourceType": "Patient", "id": "a", "name": [{"family": "x", "given": ["a", "b"]}]})
    several = [[{"op": "add", "path": "/name/0/given/-", "value": "c"}, {"op": "remove", "path": "/name/0/given/0"}],
               [{"op": "test", "path": "/id", "value": "a"}, {"op": "replace", "path": "/name/0/family", "value": {"a": [1]}}],
               [{"op": "move", "from": "/name/0", "path": "/contact"}, {"op": "copy", "from": "", "path": "/a~1b~0"}]]
    found = [json.dumps(each) + "\0" + small for each in several]
    for kind in ("add", "insert", "delete", "replace", "move"):
        part = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": "Patient.name.first().given"},
                {"name": "name", "valueString": "given"}, {"name": "index", "valueInteger": 0},
                {"name": "source", "valueInteger": 1}, {"name": "destination", "valueInteger": 0},
                {"name": "value", "valueString": "z"}]
        parameters = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
        found += [json.dumps(parameters) + "\0" + each for each in (small, patient)]
    return lines(*found)


def csvs() -> list[bytes]:
    several = ["a,b,c,d\n1,2026-11-22,3,11010519491231002X\n,,4,\n", "a;b\r\n\"x;\"\"y\"\"\";2026年1月2日\r\n", "姓名\tb\n张三\t昨天\n\"open\n"]
    return [each.encode(code) for each in several for code in ("utf-8", "gb18030", "utf-16")]


def sheets() -> list[bytes]:
    rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="C1" s="1"><v>46348</v></c><c t="b"><v>1</v></c></row><row><c t="e"><v>#N/A</v></c></row>'
    return lines(f"<worksheet><sheetData>{rows}</sheetData></worksheet>", "<!DOCTYPE a><a/>", "<worksheet><sheetData><row><c t=\"s\"><v>0</v></c>")


def receipts() -> list[bytes]:
    message = "MSH|^~\\&|R|R|X|X|20261122||ACK|1|P|2.5.1\rMSA|{}|{}|{}\rERR|||207^x|E||||no such ward\r"
    found = ["M" + message.format(code, number, words)
             for code, number, words in (("AA", "ABCDEF1", ""), ("AE", "ABCDEF1", "a\\F\\b"), ("CR", "other", ""), ("ZZ", "ABCDEF1", "x"))]
    entry = {"response": {"status": "201 Created"}}
    answer = {"resourceType": "Bundle", "type": "transaction-response", "entry": [entry, {"response": {"status": "422 no"}}]}
    outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "invalid", "diagnostics": "a"}, {"details": {"text": "b"}}]}
    for status in "2Ud\x87\xa4":  # 200 270 300 370 428, as the target makes them
        found += [f"H{status}120\n{json.dumps(each)}" for each in (answer, {**answer, "entry": [entry]}, outcome)] + [f"H{status}h\n<h1>x</h1>"]
    return lines(*found) + lines("Faccepted,12\r\nrefused,1\r\nrow 7: no such code\r\n", "FAA", "FAE|207", "Frejected = 3\nerror: x\n")


def messages() -> list[bytes]:
    """HL7 v2 cut small, so that thousands a second are tried: header and one segment of each kind, and with each kind of message its
    first segments. Whole ones of 10 KB become dozens of resources each, 50 a second."""
    found, kinds, segments = [], set(), set()
    for text in sorted(texts("src/hl7v2/testdata", "*.hl7"), key=len):
        rows = [row for row in re.split(rb"[\r\n]+", text) if row]
        head = rows[0][:200]
        kind = head.split(b"|")[8] if head.count(b"|") > 8 else head
        if kind not in kinds:
            kinds.add(kind)
            found.append(b"\r".join([head] + [row[:240] for row in rows[1:5]]) + b"\r")
        for row in rows[1:]:
            if row[:3] not in segments:
                segments.add(row[:3])
                found.append(head + b"\r" + row[:400] + b"\r")
    return found + texts("src/hl7v2/testdata/corpus", "*", 1_200)


def scans() -> list[bytes]:
    return [
        b"(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234",
        b"]d201510222222333361114123117150707" b"10A213B1\x1d211234",
        b"6291041500213",
        b"81234560123456789012",
        b'{"type":"Polygon","coordinates":[[[119,40],[120,40],[120,41],[119,40]]]}',
        b'{"type":"MultiPolygon","coordinates":[[[[119,40],[120,40],[120,41],[119,40]]]]}',
    ]


SEEDS = {
    "json_fuzz": examples,
    "fhir_validate_fuzz": examples,
    "fhir_xml_fuzz": lambda: texts("src/fhirpath/testdata", "*-example*.xml"),
    "fhirpath_fuzz": fhirpath_expressions,
    "view_fuzz": views,
    "profile_fuzz": lambda: texts("content/profiles", "*.json") + texts("content/profiles/extensions", "*.json"),
    "terminology_compose_fuzz": terminologies,
    "request_fuzz": requests,
    "query_fuzz": query_strings,
    "search_query_fuzz": query_lines,
    "backup_manifest_fuzz": backups,
    "patch_fuzz": patches,
    "hl7v2_message_fuzz": messages,
    "hl7v2_frame_fuzz": lambda: texts("src/hl7v2/testdata/corpus", "*"),
    "table_csv_fuzz": csvs,
    "table_xlsx_fuzz": sheets,
    "outbound_receipt_fuzz": receipts,
    "registry_import_fuzz": registries,
    "registry_scan_fuzz": scans,
    "person_fuzz": lambda: examples("Patient", "Basic") + texts("content/persons", "*.json"),
    "card_token_fuzz": lambda: texts("src/card/testdata", "*"),
    "jose_fuzz": lambda: [b"patient/Observation.rs?category=laboratory openid user/*.cruds",
                          b'{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}',
                          b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"],
    "cda_fuzz": lambda: texts("src/cda/testdata", "*.xml"),
}


def write(target: str, folder: pathlib.Path) -> int:
    """How many were written."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS.get(target, list)()
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    kept = ROOT / "src"
    for path in kept.rglob(f"{target}_found/*"):  # what once failed
        (folder / re.sub(r"\W", "-", path.name)).write_bytes(path.read_bytes())
    return len(list(folder.iterdir()))
