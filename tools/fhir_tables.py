#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what FHIR R4 says of its types into src/fhir/tables/r4.txt, and its examples into src/fhir/testdata.

    tools/fhir_tables.py PACKAGE [ROOT]

PACKAGE is the unpacked npm package hl7.fhir.r4.examples 4.0.1 (CC0), its inner folder `package`. ROOT is the folder to
write below (default: the checkout). The same package always gives the same bytes.

The table is lines of tab-separated fields, decoded by src/fhir/tables.cpp:

    T  name kind abstract base pattern                     a type; its own elements follow
    E  name flags min max types binding value-set          flags: x choice, s summary, m modifier, a attribute
    I  element key severity expression human               a rule of the type, or of one of its elements; severity: e error, w warning
    V  url systems codes                                   a value set that can be enumerated
    C  compartment                                         its types follow
    R  type parameters
    S  code type url bases targets expression description  a search parameter; its components follow
    P  definition expression

Lists are separated by `|`. A type's inherited elements are not repeated: they are those of its base, in front.
"""

import gzip
import io
import json
import re
import sys
from pathlib import Path

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
REGEX = STRUCTURE + "regex"
# What fhir::validate() looks after: something in every element, a value or extensions, well-formed narratives.
CHECKED_ANYWAY = {"ele-1", "ext-1", "txt-1", "txt-2", "dom-2"}
SIMPLE_QUANTITY = STRUCTURE + "SimpleQuantity"
SIMPLE_QUANTITY_RULE = {
    "key": "sqty-1",
    "severity": "error",
    "expression": "comparator.empty()",
    "human": "The comparator is not used on a SimpleQuantity",
}
KINDS = {"primitive-type": "p", "complex-type": "c", "resource": "r"}
STRENGTHS = {"example": "e", "preferred": "p", "extensible": "x", "required": "r"}
MANY = "4294967295"
DEFINITION_TYPES = ("CodeSystem", "ConceptMap", "OperationDefinition", "SearchParameter", "StructureDefinition", "ValueSet")
KEPT_OF_EACH_DEFINITION_TYPE = 8
LONGEST_EXAMPLE = 1_000_000  # longer ones are the specification itself, gathered in bundles


def load(package, prefix):
    """Every resource of one type, by file name."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(package.glob(prefix + "-*.json"))]


def line(*fields):
    text = [str(field) for field in fields]
    assert not any("\t" in field or "\n" in field for field in text), text
    return "\t".join(text) + "\n"


def listed(items):
    assert not any("|" in item for item in items), items
    return "|".join(items)


def extension_value(holder, url):
    for extension in holder.get("extension", []):
        if extension["url"] == url:
            return next(value for key, value in extension.items() if key.startswith("value"))
    return None


# ---- types -------------------------------------------------------------------------------------------------------


class Types:
    """The types of the specification: profiles and logical models are left out."""

    def __init__(self, package):
        everything = load(package, "StructureDefinition")
        self.base_of_profile = {d["url"]: d["type"] for d in everything}
        self.definitions = {
            d["type"]: d for d in everything if d.get("derivation") != "constraint" and d["kind"] in KINDS
        }
        self.bound = set()

    def lines(self):
        order = []
        self.put_after_base("BackboneElement", order)  # before the first backbone
        for name in sorted(self.definitions):
            self.put_after_base(name, order)
        return [text for name in order for text in self.type_lines(name)]

    def base(self, name):
        return self.definitions[name].get("baseDefinition", "").removeprefix(STRUCTURE)

    def put_after_base(self, name, order):
        if name in order:
            return
        if self.base(name):
            self.put_after_base(self.base(name), order)
        order.append(name)

    def type_lines(self, name):
        definition = self.definitions[name]
        elements = definition["snapshot"]["element"]
        self.check_inherited(name, elements)
        kind = KINDS[definition["kind"]]
        result = [line("T", name, kind, int(definition["abstract"]), self.base(name), self.pattern(name, elements))]
        result += [self.element_line(e, elements) for e in elements if self.is_own(e, name)]
        result += self.rule_lines(name, elements)
        for element in elements:
            path = element["path"]
            if path.count(".") and self.has_children(path, elements):
                (only,) = element["type"]
                result.append(line("T", path, "b", 0, only["code"], ""))
                result += [self.element_line(e, elements) for e in elements if self.is_own(e, path)]
                result += self.rule_lines(path, elements)
        return result

    def rule_lines(self, owner, elements):
        """The rules of a type, and of its own elements that are no types of their own; inherited ones are not repeated."""
        (root,) = [e for e in elements if e["path"] == owner]
        inherited = CHECKED_ANYWAY | self.rules_of_base(owner)
        result = [self.rule_line("", rule) for rule in root.get("constraint", []) if rule["key"] not in inherited]
        for element in elements:
            if not self.is_own(element, owner) or self.has_children(element["path"], elements):
                continue
            name = element["path"].rpartition(".")[2].removesuffix("[x]")
            rules = [rule for rule in element.get("constraint", []) if rule["key"] not in CHECKED_ANYWAY]
            if any(SIMPLE_QUANTITY in type_.get("profile", []) for type_ in element.get("type", [])):
                rules = rules + [SIMPLE_QUANTITY_RULE]
            result += [self.rule_line(name, rule) for rule in rules]
        return result

    def rules_of_base(self, name):
        if name not in self.definitions or not self.base(name):
            return set()
        base = self.definitions[self.base(name)]["snapshot"]["element"][0]
        return {rule["key"] for rule in base.get("constraint", [])} | self.rules_of_base(self.base(name))

    @staticmethod
    def rule_line(element, rule):
        words = [" ".join(rule.get(field, "").split()) for field in ("expression", "human")]
        return line("I", element, rule["key"], rule["severity"][0], *words)

    @staticmethod
    def has_children(path, elements):
        return any(e["path"].startswith(path + ".") for e in elements)

    @staticmethod
    def is_own(element, owner):
        """Is this element defined by `owner` itself (rather than by its base)?"""
        path = element["path"]
        return path.rpartition(".")[0] == owner and element["base"]["path"] == path and not Types.is_primitive_value(element)

    @staticmethod
    def is_primitive_value(element):
        """The `value` of a primitive: in JSON the primitive itself."""
        types = element.get("type", [])
        return element["path"].endswith(".value") and bool(types) and types[0]["code"].startswith(SYSTEM_TYPE)

    def check_inherited(self, name, elements):
        """The table repeats no inherited element, so none may differ from its base in what the table says."""
        base = self.base(name)
        if not base:
            return
        theirs = [e for e in self.definitions[base]["snapshot"]["element"] if e["path"].count(".") == 1]
        theirs = [e for e in theirs if not self.is_primitive_value(e)]
        ours = [e for e in elements if e["path"].count(".") == 1][: len(theirs)]
        for mine, inherited in zip(ours, theirs, strict=True):
            same = line(*self.facts(mine, elements)) == line(*self.facts(inherited, []))
            known = name == "Quantity" or mine["path"].endswith((".id", ".extension", ".modifierExtension"))
            assert same or known, (mine["path"], self.facts(mine, elements), self.facts(inherited, []))

    def element_line(self, element, elements):
        return line("E", *self.facts(element, elements))

    def facts(self, element, elements):
        name = element["path"].rpartition(".")[2]
        choice = name.endswith("[x]")
        flags = "".join(
            letter
            for letter, set_ in (
                ("x", choice),
                ("s", element.get("isSummary")),
                ("m", element.get("isModifier")),
                ("a", element.get("representation") == ["xmlAttr"]),
            )
            if set_
        )
        maximum = MANY if element["max"] == "*" else element["max"]
        binding = element.get("binding", {})
        value_set = binding.get("valueSet", "").partition("|")[0]
        strength = STRENGTHS[binding["strength"]] if value_set else ""
        if strength == "r":
            self.bound.add(value_set)
        types = listed(self.types_of(element, elements))
        return name.removesuffix("[x]"), flags, element["min"], maximum, types, strength, value_set

    def types_of(self, element, elements):
        path = element["path"]
        if "contentReference" in element:
            return [element["contentReference"].removeprefix("#")]
        if self.has_children(path, elements) and path.count("."):
            return [path]
        return [self.type_of(element, type_) for type_ in element["type"]]

    def type_of(self, element, type_):
        code = type_["code"]
        if code.startswith(SYSTEM_TYPE):
            if element["base"]["path"] == "Resource.id":
                return "id"  # the definitions say string; the text of the specification, and its regular expression, say id
            return extension_value(type_, FHIR_TYPE) or "string"
        targets = [self.base_of_profile[url] for url in type_.get("targetProfile", [])]
        targets = sorted(set(targets))
        if "Resource" in targets or not targets:
            return code
        return code + "(" + ",".join(targets) + ")"

    def pattern(self, name, elements):
        for element in elements:
            if self.is_primitive_value(element):
                return extension_value(element["type"][0], REGEX) or ""
        return ""


# ---- value sets --------------------------------------------------------------------------------------------------


class ValueSets:
    def __init__(self, package):
        self.value_sets = {d["url"]: d for d in load(package, "ValueSet") if "url" in d}
        self.code_systems = {d["url"]: d for d in load(package, "CodeSystem") if "url" in d}

    def lines(self, urls):
        result = []
        for url in sorted(urls):
            expansion = self.expand(url)
            if expansion is None:
                continue
            systems = sorted({system for system, _ in expansion})
            result.append(line("V", url, listed(systems), listed(sorted({code for _, code in expansion}))))
        return result

    def expand(self, url):
        """The pairs (system, code) of a value set, or None when it cannot be enumerated from the package."""
        value_set = self.value_sets.get(url.partition("|")[0])
        if value_set is None or "compose" not in value_set or value_set["compose"].get("exclude"):
            return None
        result = set()
        for include in value_set["compose"]["include"]:
            part = self.expand_include(include)
            if part is None:
                return None
            result |= part
        return result

    def expand_include(self, include):
        if include.get("filter"):
            return None
        parts = [self.expand(url) for url in include.get("valueSet", [])]
        if "system" in include:
            parts.append(self.expand_system(include))
        if None in parts or not parts:
            return None
        return set.intersection(*parts)

    def expand_system(self, include):
        system = include["system"]
        if "concept" in include:
            return {(system, concept["code"]) for concept in include["concept"]}
        definition = self.code_systems.get(system)
        if definition is None or definition["content"] != "complete":
            return None
        return {(system, code) for code in self.codes(definition["concept"])}

    def codes(self, concepts):
        for concept in concepts:
            yield concept["code"]
            yield from self.codes(concept.get("concept", []))


# ---- compartments and search parameters ----------------------------------------------------------------------------


def compartment_lines(package):
    result = []
    for definition in load(package, "CompartmentDefinition"):
        if definition["id"] == "example":
            continue
        result.append(line("C", definition["code"]))
        for resource in definition["resource"]:
            # {def} says that the resource is the compartment itself.
            parameters = [name for name in resource.get("param", []) if name != "{def}"]
            if parameters:
                result.append(line("R", resource["code"], listed(parameters)))
    return result


def alternatives(expression):
    """Splits at the top-level `|` of a FHIRPath expression."""
    depth, start, parts = 0, 0, []
    for position, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            parts.append(expression[start:position].strip())
            start = position + 1
    return parts + [expression[start:].strip()]


def expression_for(base, expression):
    mine = [part for part in alternatives(expression) if re.match(r"\(*" + base + r"\b", part)]
    return " | ".join(mine) or expression


def description_for(base, description):
    """Shared parameters list one sentence for each type: `* [Patient](patient.html): The patient ...`."""
    for item in re.split(r"\s*\r?\n\*?\s*", description):
        found = re.match(r"\[" + base + r"\]\([a-z]+\.html\): (.*)", item.strip())
        if found:
            return found.group(1).strip()
    return " ".join(description.split())


def search_lines(package):
    result = []
    for parameter in load(package, "SearchParameter"):
        # Without a base it applies to nothing; `example*` are examples of the format.
        if not parameter.get("base") or parameter["id"].startswith("example"):
            continue
        bases = [base for base in parameter["base"]]
        expression = parameter.get("expression", "")
        targets = sorted(parameter.get("target", []))
        for base in bases:
            result.append(
                line(
                    "S",
                    parameter["code"],
                    parameter["type"],
                    parameter["url"],
                    base,
                    listed(targets),
                    expression_for(base, expression) if len(bases) > 1 else expression,
                    description_for(base, parameter["description"]),
                )
            )
            for component in parameter.get("component", []):
                result.append(line("P", component["definition"], component["expression"]))
    return sorted_rows(result)


def sorted_rows(lines):
    """Sorted by base and code; component lines stay behind their row."""
    rows = []
    for text in lines:
        if text.startswith("S"):
            rows.append([text])
        else:
            rows[-1].append(text)
    rows.sort(key=lambda row: (row[0].split("\t")[4], row[0].split("\t")[1], row[0]))
    return [text for row in rows for text in row]


# ---- examples ------------------------------------------------------------------------------------------------------


def without_white_space(text):
    """JSON text on one line; every other character stays as it was written."""
    return "".join(re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', text))


def is_example(path, kept):
    """Definitions of the specification are not examples; a few of each kind are kept so that every type has some."""
    type_, _, name = path.stem.partition("-")
    if type_ not in DEFINITION_TYPES:
        return type_ not in ("package", "ig")
    if "example" in name or kept.get(type_, 0) < KEPT_OF_EACH_DEFINITION_TYPE:
        kept[type_] = kept.get(type_, 0) + 1
        return True
    return False


def examples(package):
    kept = {}
    for path in sorted(package.glob("*-*.json")):
        if is_example(path, kept):
            text = without_white_space(path.read_text("utf-8-sig"))
            if len(text) <= LONGEST_EXAMPLE:
                yield path.stem, text


def write_examples(package, folder):
    names, texts = [], []
    for name, text in examples(package):
        names.append(name)
        texts.append(text)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream:
        stream.write(("\n".join(texts) + "\n").encode())
    (folder / "r4-examples.ndjson.gz").write_bytes(packed.getvalue())
    (folder / "r4-examples.txt").write_text("\n".join(names) + "\n", "utf-8")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    package = Path(sys.argv[1])
    root = Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).resolve().parent.parent
    if json.loads((package / "package.json").read_text())["version"] != "4.0.1":
        sys.exit("this is not hl7.fhir.r4.examples 4.0.1")

    types = Types(package)
    lines = types.lines()
    lines += ValueSets(package).lines(types.bound)
    lines += compartment_lines(package)
    lines += search_lines(package)
    for folder in ("src/fhir/tables", "src/fhir/testdata"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "src/fhir/tables/r4.txt").write_text("".join(lines), "utf-8")
    write_examples(package, root / "src/fhir/testdata")


if __name__ == "__main__":
    main()
