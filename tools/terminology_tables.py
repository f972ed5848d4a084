#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes content/terminology: the national tables and the terminology of FHIR R4, in the format of its README.md.

    tools/terminology_tables.py DOMAIN PACKAGE [ROOT]

DOMAIN is a folder with the national tables (vs-*.csv, notifiable-diseases.csv, immunization-schedule.csv, chs-drg-1.1/).
PACKAGE is the unpacked npm package hl7.fhir.r4.examples 4.0.1 (CC0), its inner folder `package`. ROOT is the folder to
write below (default: the checkout). The same input always gives the same bytes.
"""

import csv
import io
import json
import sys
from pathlib import Path

OID = "urn:oid:2.16.156.10011.2.3.3."
OURS = "urn:xinglin:"
PERIOD = "http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
UNVERIFIED = "UNVERIFIED: written from memory of the named document; check it against the edition in force before relying on it."
LANGUAGES_KEPT = ("zh", "zh-CN", "en")
CHUNK = 300_000  # of an R4 file: what has to be unpacked to read one definition

CHAPTERS_ICD10 = """A00-B99|某些传染病和寄生虫病|Certain infectious and parasitic diseases
C00-D48|肿瘤|Neoplasms
D50-D89|血液及造血器官疾病和某些涉及免疫机制的疾患|Diseases of the blood and blood-forming organs and certain disorders involving the immune mechanism
E00-E90|内分泌、营养和代谢疾病|Endocrine, nutritional and metabolic diseases
F00-F99|精神和行为障碍|Mental and behavioural disorders
G00-G99|神经系统疾病|Diseases of the nervous system
H00-H59|眼和附器疾病|Diseases of the eye and adnexa
H60-H95|耳和乳突疾病|Diseases of the ear and mastoid process
I00-I99|循环系统疾病|Diseases of the circulatory system
J00-J99|呼吸系统疾病|Diseases of the respiratory system
K00-K93|消化系统疾病|Diseases of the digestive system
L00-L99|皮肤和皮下组织疾病|Diseases of the skin and subcutaneous tissue
M00-M99|肌肉骨骼系统和结缔组织疾病|Diseases of the musculoskeletal system and connective tissue
N00-N99|泌尿生殖系统疾病|Diseases of the genitourinary system
O00-O99|妊娠、分娩和产褥期|Pregnancy, childbirth and the puerperium
P00-P96|起源于围生期的某些情况|Certain conditions originating in the perinatal period
Q00-Q99|先天性畸形、变形和染色体异常|Congenital malformations, deformations and chromosomal abnormalities
R00-R99|症状、体征和临床与实验室异常所见，不可归类在他处者|Symptoms, signs and abnormal clinical and laboratory findings, not elsewhere classified
S00-T98|损伤、中毒和外因的某些其他后果|Injury, poisoning and certain other consequences of external causes
U00-U99|用于特殊目的的编码|Codes for special purposes
V01-Y98|疾病和死亡的外因|External causes of morbidity and mortality
Z00-Z99|影响健康状态和与保健机构接触的因素|Factors influencing health status and contact with health services"""

CHAPTERS_ICD9 = """00-00|操作和介入，不能分类于他处|Procedures and interventions, not elsewhere classified
01-05|神经系统手术|Operations on the nervous system
06-07|内分泌系统手术|Operations on the endocrine system
08-16|眼的手术|Operations on the eye
17-17|其他各类诊断性和治疗性操作|Other miscellaneous diagnostic and therapeutic procedures
18-20|耳部手术|Operations on the ear
21-29|鼻、口、咽手术|Operations on the nose, mouth and pharynx
30-34|呼吸系统手术|Operations on the respiratory system
35-39|心血管系统手术|Operations on the cardiovascular system
40-41|血液和淋巴系统手术|Operations on the hemic and lymphatic system
42-54|消化系统手术|Operations on the digestive system
55-59|泌尿系统手术|Operations on the urinary system
60-64|男性生殖器官手术|Operations on the male genital organs
65-71|女性生殖器官手术|Operations on the female genital organs
72-75|产科操作|Obstetrical procedures
76-84|肌肉骨骼系统手术|Operations on the musculoskeletal system
85-86|体被系统手术|Operations on the integumentary system
87-99|各种诊断性和治疗性操作|Miscellaneous diagnostic and therapeutic procedures"""

ENGLISH = {
    "sex-gbt2261.1": {"0": "Unknown", "1": "Male", "2": "Female", "9": "Not stated"},
    "marital-gbt2261.2": {"10": "Never married", "20": "Married", "21": "First marriage", "22": "Remarried", "23": "Remarried to the same spouse",
                          "30": "Widowed", "40": "Divorced", "90": "Not stated"},
    "id-document": {"01": "Resident identity card", "02": "Household register", "03": "Passport", "04": "Military officer's card",
                    "05": "Driving licence", "06": "Hong Kong and Macao residents' travel permit", "07": "Taiwan residents' travel permit",
                    "99": "Other legal document"},
    "leave-hospital": {"1": "Discharged on medical advice", "2": "Transferred on medical advice", "3": "Transferred to a community or township institution",
                       "4": "Left against medical advice", "5": "Died", "9": "Other"},
    "admission-route": {"1": "Emergency", "2": "Outpatient clinic", "3": "Transferred from another institution", "9": "Other"},
    "admission-condition": {"1": "Present", "2": "Clinically undetermined", "3": "Unknown", "4": "Not present"},
    "blood-group-abo": {"1": "A", "2": "B", "3": "O", "4": "AB", "5": "Unknown", "6": "Not tested"},
    "blood-group-rh": {"1": "Negative", "2": "Positive", "3": "Unknown", "4": "Not tested"},
    "vaccine": {"HepB": "Hepatitis B vaccine", "BCG": "BCG vaccine", "IPV": "Inactivated poliovirus vaccine", "bOPV": "Bivalent oral poliovirus vaccine",
                "DTaP": "Diphtheria, tetanus and acellular pertussis vaccine", "DT": "Diphtheria and tetanus vaccine",
                "MMR": "Measles, mumps and rubella vaccine", "JE-L": "Japanese encephalitis vaccine, live attenuated",
                "JE-I": "Japanese encephalitis vaccine, inactivated", "MPSV-A": "Meningococcal polysaccharide vaccine, group A",
                "MPSV-AC": "Meningococcal polysaccharide vaccine, groups A and C", "HepA-L": "Hepatitis A vaccine, live attenuated",
                "HepA-I": "Hepatitis A vaccine, inactivated", "HPV2": "Human papillomavirus vaccine, bivalent"},
}


class Output:
    """The files to be, by path; written at the end, old ones of the folder removed."""

    def __init__(self):
        self.files = {}
        self.value_sets = []
        self.maps = []

    def system(self, name, url, title, title_en, version, rows, *, source, copyright_, start=None, end=None, properties=(), hierarchical=False,
               unverified=False, note="", value_set=True):
        """rows: dicts with code, display and any of display_en, parent, active, selectable, definition and the properties."""
        header = {"resourceType": "CodeSystem", "id": name, "url": url, "version": version, "name": "".join(p.capitalize() for p in name.replace(".", "_").split("-")),
                  "title": title, "_title": {"extension": [{"url": TRANSLATION, "extension": [{"url": "lang", "valueCode": "en"},
                                                                                           {"url": "content", "valueString": title_en}]}]},
                  "language": "zh-CN", "status": "active", "experimental": unverified, "publisher": source,
                  "description": (note + " " if note else "") + (UNVERIFIED if unverified else ""), "copyright": copyright_,
                  "caseSensitive": True, "content": "complete", "count": len(rows)}
        if not header["description"]:
            del header["description"]
        if start or end:
            header["extension"] = [{"url": PERIOD, "valuePeriod": {k: v for k, v in (("start", start), ("end", end)) if v}}]
        if hierarchical:
            header["hierarchyMeaning"] = "is-a"
        if properties:
            header["property"] = [{"code": code, "description": what, "type": "boolean" if code == "derived" else "string"} for code, what in properties]
        if value_set:
            header["valueSet"] = OURS + "valueset:" + value_set_name(name)
        columns = ["code", "display"] + [c for c in ("display_en", "parent", "active", "selectable", "definition") if any(row.get(c) for row in rows)]
        columns += [code for code, _ in properties]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        seen = set()
        for row in rows:
            assert row["code"] and row["code"] not in seen, (name, row)
            seen.add(row["code"])
            writer.writerow([row.get(column, "") or "" for column in columns])
        self.files[name + ".system.json"] = json.dumps(header, ensure_ascii=False, indent=1) + "\n"
        self.files[name + ".csv"] = text.getvalue()
        return header

    def value_set(self, name, title, title_en, compose, version="1"):
        self.value_sets.append({"resourceType": "ValueSet", "id": name, "url": OURS + "valueset:" + name, "version": version,
                                "name": "".join(p.capitalize() for p in name.replace(".", "_").split("-")), "title": title,
                                "_title": {"extension": [{"url": TRANSLATION, "extension": [{"url": "lang", "valueCode": "en"},
                                                                                             {"url": "content", "valueString": title_en}]}]},
                                "language": "zh-CN", "status": "active", "compose": compose})

    def map(self, name, title, source, target, source_set, target_set, rows, target_version=None):
        """rows: code, target code, equivalence, comment. A code without a target is `unmatched`."""
        elements = {}
        for code, to, equivalence, comment in rows:
            target_ = {"code": to, "equivalence": equivalence} if to else {"equivalence": "unmatched"}
            if comment:
                target_["comment"] = comment
            elements.setdefault(code, []).append(target_)
        group = {"source": source, "target": target, "element": [{"code": code, "target": targets} for code, targets in elements.items()]}
        self.maps.append({"resourceType": "ConceptMap", "id": name, "url": OURS + "conceptmap:" + name, "version": "1",
                          "name": "".join(p.capitalize() for p in name.split("-")), "title": title, "language": "zh-CN", "status": "active",
                          "sourceUri": source_set, "targetUri": target_set, "group": [group]})

    def write(self, folder):
        index = chunks(self, "national-value-sets", self.value_sets) + chunks(self, "national-maps", self.maps)
        self.files["national.index"] = "".join(index)
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_file() and path.name != "README.md":
                path.unlink()
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="")


def value_set_name(name):
    """icd-10-nhsa → icd-10; later editions share the value set."""
    return {"notifiable-disease-2013": "notifiable-disease", "notifiable-disease-2025": "notifiable-disease", "vaccine-2021": "vaccine",
            "vaccine-2025": "vaccine"}.get(name, name)


def compact(resource):
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def count_of(concepts):
    return sum(1 + count_of(concept.get("concept", [])) for concept in concepts)


def index_rows(file, resources):
    """One line for each resource of an NDJSON file: kind url version name title title_en status count value-set source target
    aliases language nested file offset bytes. Keeps the program from reading them all to know what there is."""
    rows, offset = [], 0
    for resource in resources:
        size = len(compact(resource).encode())
        english = next((e["extension"][1]["valueString"] for e in resource.get("_title", {}).get("extension", [])), "")
        count = ""
        if resource["resourceType"] == "CodeSystem":
            count = count_of(resource.get("concept", []))
        elif resource["resourceType"] == "ConceptMap":
            count = sum(len(group.get("element", [])) for group in resource.get("group", []))
        aliases = [i["value"] for i in resource.get("identifier", []) if isinstance(i, dict) and i.get("value", "").startswith("urn:oid:")] if isinstance(
            resource.get("identifier", []), list) else []
        fields = [resource["resourceType"], resource["url"], resource.get("version", ""), resource.get("name", ""), resource.get("title", ""), english,
                  resource.get("status", ""), count, resource.get("valueSet", ""),
                  resource.get("sourceUri", resource.get("sourceCanonical", "")), resource.get("targetUri", resource.get("targetCanonical", "")),
                  "|".join(aliases), resource.get("language", "en"),
                  "1" if any(concept.get("concept") for concept in resource.get("concept", [])) else "", file, offset, size]
        rows.append("\t".join(" ".join(str(field).split()) for field in fields) + "\n")
        offset += size + 1
    return rows


def table(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def plain_rows(name, rows, code="code", display="name_zh", **more):
    english = ENGLISH.get(name, {})
    return [dict({"code": row[code], "display": row[display], "display_en": english.get(row[code], "")},
                 **{column: row[of] for column, of in more.items()}) for row in rows]


def tens(rows):
    """GB/T tables of two digits: 11 belongs under 10 when there is a 10."""
    codes = {row["code"] for row in rows}
    for row in rows:
        above = row["code"][0] + "0"
        row["parent"] = above if above in codes and above != row["code"] and row["code"][1] != "0" else ""
    return rows


def institution_rows(rows):
    """WS 218: trailing zeros are padding; what is left after taking them off says what stands above."""
    out = []
    for row in rows:
        if not any(each["code"] == row["top"] for each in out):
            out.append({"code": row["top"], "display": row["top_name_zh"], "selectable": "false"})
        out.append({"code": row["code"], "display": row["name_zh"]})
    codes = {row["code"] for row in out}
    for row in out:
        stem = row["code"].rstrip("0")
        while len(stem) > 1:
            stem = stem[:-1]
            above = stem if len(stem) == 1 else stem.ljust(4, "0")
            if above in codes and above != row["code"]:
                row["parent"] = above
                break
    return out


def common_start(names):
    start = names[0]
    for name in names[1:]:
        while not name.startswith(start):
            start = start[:-1]
    return start.rstrip("，、（( ")


def category_name(children):
    """What a category without a name of its own is called: what its subdivisions have in common, else the first and 等."""
    names = [name for _, name in children]
    if len(names) == 1:
        return names[0]
    unspecified = [name for code, name in children if code.endswith(".900")]
    for name in unspecified:
        bare = name.replace("，未特指的", "").replace("，未特指", "").replace("未特指的", "").replace("未特指", "").strip("，")
        if len(bare) >= 2:
            return bare
    start = common_start(names)
    return start if len(start) >= 2 else names[0] + "等"


def chapter_rows(text):
    rows = []
    for line in text.splitlines():
        code, zh, english = line.split("|")
        rows.append({"code": code, "display": zh, "display_en": english, "selectable": "false"})
    return rows


def chapter_of(chapters, stem):
    for row in chapters:
        first, last = row["code"].split("-")
        if first <= stem <= last:
            return row["code"]
    return ""


def icd10_rows(rows):
    chapters = chapter_rows(CHAPTERS_ICD10)
    codes = {row["icd10"]: row["name_zh"] for row in rows}
    categories = {}
    for code, name in codes.items():
        if len(code) == 7:
            categories.setdefault(code[:3], []).append((code, name))
    for code in codes:
        categories.setdefault(code[:3], []) or categories[code[:3]].append((code, codes[code]))
    out = list(chapters)
    for stem in sorted(categories):
        out.append({"code": stem, "display": category_name(categories[stem]), "parent": chapter_of(chapters, stem), "selectable": "false", "derived": "true"})
    for code in sorted(codes):
        stem = code.split("+")[0]
        above = stem[:7] if len(code) > 7 and stem[:7] in codes and stem[:7] != code else code[:3]
        out.append({"code": code, "display": codes[code], "parent": above})
    order = {row["code"]: index for index, row in enumerate(out)}
    return sorted(out, key=lambda row: (row["code"].split("-")[0], len(row["code"]) if order[row["code"]] < len(chapters) else 99, row["code"]))


def icd9_rows(rows):
    chapters = chapter_rows(CHAPTERS_ICD9)
    codes = {row["icd9cm3"]: row["name_zh"] for row in rows}
    categories, out = {}, []
    for code, name in codes.items():
        categories.setdefault(code[:2], []).append((code, name))
        if len(code) >= 5:
            categories.setdefault(code[:4], []).append((code, name))
    for stem in categories:
        if stem not in codes:
            out.append({"code": stem, "display": category_name([(c, n) for c, n in categories[stem] if c.endswith("00")] or categories[stem]),
                        "parent": chapter_of(chapters, stem) if len(stem) == 2 else stem[:2], "selectable": "false", "derived": "true"})
    for code in codes:
        whole = code[:5] + "00"
        above = whole if whole in codes and whole != code else code[:4] if len(code) >= 5 and code[:4] != code else code[:2]
        out.append({"code": code, "display": codes[code], "parent": above})
    rows = sorted(out, key=lambda row: row["code"])
    return chapters + rows


def national(output, domain):
    gb = "Fact of the named national standard; the code list as such is not subject to copyright (PRC Copyright Law, article 5)."
    simple = [
        ("sex-gbt2261.1", OID + "4", "生理性别代码（GB/T 2261.1）", "Sex (GB/T 2261.1)", "2003", "GB/T 2261.1-2003", "2004-12-01", False),
        ("leave-hospital", OURS + "codesystem:leave-hospital", "离院方式代码（住院病案首页）", "Way of leaving hospital", "2011", "住院病案首页（2011）", "2012-01-01", True),
        ("admission-route", OURS + "codesystem:admission-route", "入院途径代码（住院病案首页）", "Way of admission", "2011", "住院病案首页（2011）", "2012-01-01", True),
        ("admission-condition", OURS + "codesystem:admission-condition", "入院病情代码（住院病案首页）", "Condition present on admission", "2011", "住院病案首页（2011）", "2012-01-01", True),
        ("id-document", OURS + "codesystem:id-document", "身份证件类别代码（CV02.01.101）", "Kind of identity document (CV02.01.101)", "2011", "WS 364.3-2011 CV02.01.101", None, True),
        ("employment-gbt2261.4", OID + "13", "从业状况（个人身份）代码（GB/T 2261.4）", "Employment status (GB/T 2261.4)", "2003", "GB/T 2261.4-2003", "2004-12-01", True),
        ("occupation-health-record", OURS + "codesystem:occupation-health-record", "职业（居民健康档案）", "Occupation (health record)", "2017", "国家基本公共卫生服务规范（第三版）", "2017-02-28", True),
    ]
    for name, url, title, english, version, source, start, unverified in simple:
        output.system(name, url, title, english, version, plain_rows(name, table(domain / f"vs-{name}.csv")), source=source, copyright_=gb, start=start,
                      unverified=unverified)
    marital = plain_rows("marital-gbt2261.2", table(domain / "vs-marital-gbt2261.2.csv"), parent="parent")
    output.system("marital-gbt2261.2", OID + "5", "婚姻状况代码（GB/T 2261.2）", "Marital status (GB/T 2261.2)", "2003", marital, source="GB/T 2261.2-2003",
                  copyright_=gb, start="2004-12-01", hierarchical=True, unverified=True)
    output.system("education-gbt4658", OID + "6", "学历代码（GB/T 4658）", "Education (GB/T 4658)", "2006",
                  plain_rows("education", table(domain / "vs-education-gbt4658.csv"), parent="parent"), source="GB/T 4658-2006", copyright_=gb,
                  start="2007-02-01", hierarchical=True, unverified=True)
    output.system("ethnic-gbt3304", OID + "3", "民族代码（GB/T 3304）", "Ethnic group (GB/T 3304)", "1991",
                  plain_rows("ethnic", table(domain / "vs-ethnic-gbt3304.csv"), letter="letter_code"), source="GB/T 3304-1991", copyright_=gb, start="1992-04-01",
                  properties=[("letter", "letter code")])
    output.system("relation-gbt4761", OID + "8", "家庭关系代码（GB/T 4761）", "Family relationship (GB/T 4761)", "2008",
                  tens(plain_rows("relation", table(domain / "vs-relation-gbt4761.csv"))), source="GB/T 4761-2008", copyright_=gb, start="2008-09-01",
                  hierarchical=True, note="Codes 93 to 96 are from memory only.")
    output.system("institution-class-ws218", OURS + "codesystem:institution-class-ws218", "卫生机构（组织）分类代码（WS 218）",
                  "Class of health institution (WS 218)", "2002", institution_rows(table(domain / "vs-institution-class-ws218.csv")), source="WS 218-2002",
                  copyright_=gb, start="2002-12-01", hierarchical=True)
    cards = [dict(row, display=row["name_zh"]) for row in table(domain / "vs-occupation-infectious-card.csv")]
    output.system("occupation-infectious-card", OURS + "codesystem:occupation-infectious-card", "人群分类（传染病报告卡）", "Occupation (infectious disease report card)",
                  "2016", [{"code": row["seq"], "display": row["name_zh"], "extra": row["extra_required_zh"]} for row in cards], source="传染病信息报告管理规范（2015年版）",
                  copyright_=gb, start="2016-01-01", properties=[("extra", "what has to be filled in with it")], unverified=True)
    blood = table(domain / "vs-blood-group.csv")
    output.system("blood-group-abo", OURS + "codesystem:blood-group-abo", "ABO血型代码", "ABO blood group", "2011",
                  plain_rows("blood-group-abo", [row for row in blood if row["system"] == "ABO"]), source="WS 364.7-2011 CV04.50.005", copyright_=gb, unverified=True)
    output.system("blood-group-rh", OURS + "codesystem:blood-group-rh", "Rh血型代码", "Rh blood group", "2011",
                  plain_rows("blood-group-rh", [row for row in blood if row["system"] == "RhD"]), source="WS 364.7-2011 CV04.50.020", copyright_=gb, unverified=True,
                  note="Some systems send 1 for positive: never trust the bare code, map it by source.")
    payment = table(domain / "vs-payment.csv")
    for key, name, title, english, source in (
            ("front-page-2011", "payment-front-page", "医疗付费方式代码（住院病案首页）", "Way of payment (front page)", "住院病案首页（2011）"),
            ("health-record", "payment-health-record", "医疗费用支付方式（居民健康档案）", "Way of payment (health record)", "国家基本公共卫生服务规范（第三版）"),
            ("insurance-type-nhsa", "insurance-type-nhsa", "险种类型（医疗保障）", "Kind of insurance (NHSA)", "国家医疗保障局 医疗保障基础信息编码")):
        output.system(name, OURS + "codesystem:" + name, title, english, "1", plain_rows(name, [row for row in payment if row["set"] == key]), source=source,
                      copyright_=gb, unverified=True)
    notifiable(output, domain, gb)
    vaccines(output, domain, gb)
    opendrg = ("Names re-shaped from the OpenDRG project (OpenDRG/DRG_Python, drg_group/chs_drg_11, commit 5d523a26b110082fee8d6e324e2e527ad0b87ee5, 2023-08-26), "
               "Apache License 2.0; the lists are the 医保版 of 国家医疗保障局 (2021). Changes: duplicates removed, chapters and categories added, CSV. "
               "Chapter titles: facts of the classification.")
    icd10 = icd10_rows(table(domain / "chs-drg-1.1" / "icd10_name.csv"))
    output.system("icd-10", OID + "11", "疾病诊断代码（ICD-10 医保版）", "Diagnoses (ICD-10, national insurance edition)", "nhsa-2021", icd10,
                  source="国家医疗保障局 医疗保障疾病诊断分类与代码 (CHS-DRG 1.1)", copyright_=opendrg, hierarchical=True,
                  properties=[("derived", "the name was made from the names below it")],
                  note="Not the clinical edition (GB/T 14396 with 国家临床版 2.0): import that as an edition of its own.")
    output.system("icd-9-cm-3", OURS + "codesystem:icd-9-cm-3", "手术操作代码（ICD-9-CM-3 医保版）", "Procedures (ICD-9-CM-3, national insurance edition)", "nhsa-2021",
                  icd9_rows(table(domain / "chs-drg-1.1" / "icd9cm3_name.csv")), source="国家医疗保障局 医疗保障手术操作分类与代码 (CHS-DRG 1.1)", copyright_=opendrg,
                  hierarchical=True, properties=[("derived", "the name was made from the names below it")])
    whole_value_sets(output)
    chosen_value_sets(output)
    maps(output, domain, icd10, marital)


def notifiable(output, domain, gb):
    rows = table(domain / "notifiable-diseases.csv")
    for name, version, other, start, end in (("notifiable-disease-2013", "2013", "2013+2020+2023", None, "2025-08-31"),
                                             ("notifiable-disease-2025", "2025", "LAW2025", "2025-09-01", None)):
        concepts = [{"code": row["disease_code"], "display": row["name_zh"], "display_en": row["name_en"], "class": row["class"],
                     "managed_as_class_a": row["managed_as_class_a"], "icd10": row["icd10"], "report_hours": row["report_hours"],
                     "carrier_reportable": row["carrier_reportable"]} for row in rows if row["law_version"] in ("BOTH", other)]
        output.system(name, OURS + "codesystem:notifiable-disease", "法定传染病", "Notifiable infectious diseases", version, concepts,
                      source="中华人民共和国传染病防治法" + ("（2013年修正，2020、2023年公告）" if version == "2013" else "（2025年修订）"), copyright_=gb, start=start, end=end,
                      properties=[("class", "class of the law: 甲 乙 丙"), ("managed_as_class_a", "measures of class 甲"), ("icd10", "ICD-10 categories"),
                                  ("report_hours", "to be reported within hours"), ("carrier_reportable", "carriers are reported too")],
                      note="Codes are ours; names and classes of the law.")


def vaccines(output, domain, gb):
    rows = table(domain / "immunization-schedule.csv")
    for name, version, until, start, end in (("vaccine-2021", "2021", "2025-11-09", "2021-02-23", "2025-11-09"), ("vaccine-2025", "2025", "9999", "2025-11-10", None)):
        concepts = {}
        for row in rows:
            if row["effective_from"] <= until:
                concepts[row["vaccine_code"]] = {"code": row["vaccine_code"], "display": row["vaccine_name_zh"],
                                                 "display_en": ENGLISH["vaccine"].get(row["vaccine_code"], ""), "prevents": row["prevents_zh"]}
        output.system(name, OURS + "codesystem:vaccine", "国家免疫规划疫苗", "Vaccines of the national programme", version, list(concepts.values()),
                      source="国家免疫规划疫苗儿童免疫程序及说明（2021年版）" + ("，2025年适龄女孩HPV疫苗" if version == "2025" else ""), copyright_=gb, start=start, end=end,
                      properties=[("prevents", "diseases prevented")], note="Codes are the usual abbreviations.")


def whole_value_sets(output):
    done = set()
    for name, text in list(output.files.items()):
        if not name.endswith(".system.json"):
            continue
        header = json.loads(text)
        set_name = header["valueSet"].rsplit(":", 1)[1]
        if set_name in done:
            continue
        done.add(set_name)
        output.value_set(set_name, header["title"], header["_title"]["extension"][0]["extension"][1]["valueString"], {"include": [{"system": header["url"]}]})


def chosen_value_sets(output):
    disease = OURS + "codesystem:notifiable-disease"
    for letter, word, name in (("甲", "甲类传染病", "a"), ("乙", "乙类传染病", "b"), ("丙", "丙类传染病", "c")):
        output.value_set("notifiable-disease-class-" + name, word, "Notifiable diseases of class " + name.upper(),
                         {"include": [{"system": disease, "filter": [{"property": "class", "op": "=", "value": letter}]}]})
    icd = OID + "11"

    def below(*stems):
        return [{"system": icd, "filter": [{"property": "concept", "op": "is-a", "value": stem}]} for stem in stems]

    output.value_set("icd-10-hypertension", "高血压病（ICD-10 I10-I15）", "Hypertensive diseases (ICD-10 I10-I15)", {"include": below("I10", "I11", "I12", "I13", "I15")})
    output.value_set("icd-10-diabetes", "糖尿病（ICD-10 E10-E14）", "Diabetes mellitus (ICD-10 E10-E14)", {"include": below("E10", "E11", "E12", "E13", "E14")})
    output.value_set("icd-10-tuberculosis", "结核病（ICD-10 A15-A19）", "Tuberculosis (ICD-10 A15-A19)", {"include": below("A15", "A16", "A17", "A18", "A19")})
    # Law of 2025 article on times of reporting, and the rules of reporting: class 甲, what is managed as class 甲, pulmonary anthrax.
    output.value_set("notifiable-report-within-2-hours", "2小时内报告的传染病（甲类及按甲类管理）", "Diseases to be reported within 2 hours (class A, and managed as class A)",
                     {"include": [{"system": OURS + "codesystem:notifiable-disease", "filter": [{"property": "report_hours", "op": "=", "value": "2"}]},
                                  *below("A20", "A00", "U04", "A22.100", "A22.102+J17.0*")]})
    output.value_set("institution-hospital", "医院（WS 218 A）", "Hospitals (WS 218 A)",
                     {"include": [{"system": OURS + "codesystem:institution-class-ws218", "filter": [{"property": "concept", "op": "descendent-of", "value": "A"}]}]})


def maps(output, domain, icd10, marital):
    gender = "http://hl7.org/fhir/administrative-gender"
    output.map("sex-to-administrative-gender", "GB/T 2261.1 → administrative-gender", OID + "4", gender, OURS + "valueset:sex-gbt2261.1",
               "http://hl7.org/fhir/ValueSet/administrative-gender",
               [(row["code"], row["fhir_administrative_gender"], "equivalent" if row["code"] in ("0", "1", "2") else "wider", "")
                for row in table(domain / "vs-sex-gbt2261.1.csv")])
    output.map("administrative-gender-to-sex", "administrative-gender → GB/T 2261.1", gender, OID + "4", "http://hl7.org/fhir/ValueSet/administrative-gender",
               OURS + "valueset:sex-gbt2261.1", [("male", "1", "equivalent", ""), ("female", "2", "equivalent", ""), ("unknown", "0", "equivalent", ""),
                                                  ("other", "9", "inexact", "GB/T 2261.1 has no other; 9 is not stated")])
    v3 = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    null = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
    rows = table(domain / "vs-marital-gbt2261.2.csv")
    output.map("marital-to-v3", "GB/T 2261.2 → v3 MaritalStatus", OID + "5", v3, OURS + "valueset:marital-gbt2261.2", "http://hl7.org/fhir/ValueSet/marital-status",
               [(row["code"], row["fhir_v3_maritalstatus"], "equivalent" if row["code"] in ("10", "20", "30", "40") else "wider", "")
                for row in rows if row["fhir_v3_maritalstatus"] != "UNK"])
    output.maps[-1]["group"].append({"source": OID + "5", "target": null, "element": [{"code": "90", "target": [{"code": "UNK", "equivalence": "equivalent"}]}]})
    output.map("id-document-to-v2-0203", "CV02.01.101 → identifier type (v2-0203)", OURS + "codesystem:id-document", "http://terminology.hl7.org/CodeSystem/v2-0203",
               OURS + "valueset:id-document", "http://hl7.org/fhir/ValueSet/identifier-type",
               [("01", "NI", "equivalent", "resident identity number, GB 11643"), ("02", "NI", "inexact", "the register carries the identity number"),
                ("03", "PPN", "equivalent", ""), ("04", "MI", "wider", ""), ("05", "DL", "equivalent", ""), ("06", "TAX", "", "")][:5]
               + [("06", "", "unmatched", ""), ("07", "", "unmatched", ""), ("99", "", "unmatched", "")])
    output.map("leave-hospital-to-discharge-disposition", "离院方式 → discharge-disposition", OURS + "codesystem:leave-hospital",
               "http://terminology.hl7.org/CodeSystem/discharge-disposition", OURS + "valueset:leave-hospital", "http://hl7.org/fhir/ValueSet/encounter-discharge-disposition",
               [("1", "home", "inexact", ""), ("2", "other-hcf", "narrower", ""), ("3", "other-hcf", "narrower", ""), ("4", "aadvice", "equivalent", ""),
                ("5", "exp", "equivalent", ""), ("9", "oth", "equivalent", "")])
    output.map("icd-10-to-who", "ICD-10 医保版（六位）→ ICD-10 四位亚目", OID + "11", "http://hl7.org/fhir/sid/icd-10", OURS + "valueset:icd-10", "http://hl7.org/fhir/sid/icd-10?fhir_vs",
               [(row["code"], row["code"][:3] if row["code"][4] == "x" else row["code"][:5],
                 "equivalent" if len(row["code"]) == 7 and row["code"][5:] == "00" else "wider", "")
                for row in icd10 if len(row["code"]) >= 7 and row["code"][3] == "."])


def r4(output, package):
    kept = {"v2": ([], []), "v3": ([], []), "fhir": ([], [])}
    for place, prefix in ((0, "CodeSystem"), (1, "ValueSet")):
        for path in sorted(package.glob(prefix + "-*.json")):
            resource = json.loads(path.read_text("utf-8"))
            url = resource.get("url", "")
            if not url.startswith(("http://hl7.org/fhir/", "http://terminology.hl7.org/")) or "example" in resource["id"]:
                continue
            if prefix == "CodeSystem" and (resource["content"] != "complete" or count_of(resource.get("concept", [])) > 2000):
                continue
            family = "v2" if "/v2-" in url else "v3" if "/v3-" in url else "fhir"
            kept[family][place].append(without_version(trimmed(resource)))
    index = []
    for family, (systems, sets) in kept.items():
        for word, resources in (("systems", systems), ("value-sets", sets)):
            index += chunks(output, f"r4/{family}-{word}", resources)
    maps_ = [trimmed(json.loads(path.read_text("utf-8"))) for path in sorted(package.glob("ConceptMap-*.json"))]
    index += chunks(output, "r4/maps", [m for m in maps_ if m.get("url", "").startswith("http://hl7.org/fhir/") and "example" not in m["id"]])
    output.files["r4/r4.index"] = "".join(index)


def chunks(output, stem, resources):
    index, part, size = [], [], 0
    number = 1

    def finish():
        nonlocal part, size, number
        if part:
            file = f"{stem}-{number:02}.ndjson"
            output.files[file] = "".join(compact(resource) + "\n" for resource in part)
            index.extend(index_rows(file, part))
            part, size, number = [], 0, number + 1

    for resource in resources:
        length = len(compact(resource).encode())
        if size + length > CHUNK:
            finish()
        part.append(resource)
        size += length + 1
    finish()
    return index


def without_version(resource):
    """Some v2 tables carry their version in the address."""
    if "|" in resource["url"]:
        resource["url"], resource["version"] = resource["url"].split("|")
    return resource


def trimmed(resource):
    keep = ("resourceType", "id", "url", "identifier", "version", "name", "title", "status", "caseSensitive", "valueSet", "hierarchyMeaning", "content", "property",
            "concept", "compose", "sourceUri", "sourceCanonical", "targetUri", "targetCanonical", "group", "copyright")
    out = {key: resource[key] for key in keep if key in resource}
    if resource["resourceType"] == "CodeSystem":
        out["copyright"] = "HL7, published in hl7.fhir.r4.examples 4.0.1 under CC0"
    drop_languages(out.get("concept", []))
    for part in ("include", "exclude"):
        for include in out.get("compose", {}).get(part, []):
            drop_languages(include.get("concept", []))
    return out


def drop_languages(concepts):
    for concept in concepts:
        kept = [d for d in concept.get("designation", []) if d.get("language") in LANGUAGES_KEPT]
        concept.pop("designation", None)
        concept.pop("extension", None)
        if kept:
            concept["designation"] = [{k: v for k, v in d.items() if k in ("language", "use", "value")} for d in kept]
        drop_languages(concept.get("concept", []))


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: tools/terminology_tables.py DOMAIN PACKAGE [ROOT]")
    root = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(__file__).parent.parent
    output = Output()
    national(output, Path(sys.argv[1]))
    r4(output, Path(sys.argv[2]))
    output.write(root / "content" / "terminology")


if __name__ == "__main__":
    main()
