// SPDX-License-Identifier: Apache-2.0
// The words and options of `xinglin terminology`, parsed by CLI11.
#include <CLI/CLI.hpp>

#include "server/terminology_command.h"

namespace xinglin::server {

namespace {

using What = TerminologyCommand::What;

CLI::App& word(CLI::App& parent, TerminologyCommand& chosen, What what, const std::string& name, const std::string& about,
               const std::string& example) {
    CLI::App* app = parent.add_subcommand(name, about);
    app->footer("Example:\n  " + example);
    app->parse_complete_callback([&chosen, what] { chosen.what = what; });
    app->add_flag("--json", chosen.json, "print the result as JSON");
    return *app;
}

void sources(CLI::App& app, TerminologyCommand& chosen) {
    app.add_option("--data", chosen.data, "a data folder: what was written there is known too");
    app.add_option("--store", chosen.store, "the address of a PostgreSQL database instead");
    app.add_option("--content", chosen.content, "a folder laid over the built-in content");
    app.add_option("--date", chosen.date, "the day whose edition is meant, today if left out");
    app.add_option("--language", chosen.language, "of displays: zh-CN or en");
}

}  // namespace

void add_terminology_words(CLI::App& parent, TerminologyCommand& chosen) {
    parent.require_subcommand(1);
    sources(
        word(parent, chosen, What::list, "list", "List the code systems and their editions", "xinglin terminology list --json"),
        chosen);

    CLI::App& import =
        word(parent, chosen, What::import, "import", "Add an edition of a code system to the record, from a CSV table",
             "xinglin terminology import --data DIR --system urn:oid:2.16.156.10011.2.3.3.11 --version 2.0 --from 2027-01-01 "
             "icd-10.csv");
    CLI::Option_group* either = import.add_option_group("record");
    either->add_option("--data", chosen.data, "the data folder");
    either->add_option("--store", chosen.store, "the address of a PostgreSQL database: postgres://user@host/name");
    either->require_option(1);
    import.add_option("--system", chosen.system, "canonical address of the code system")->required();
    import.add_option("--version", chosen.version, "of the edition")->required();
    import.add_option("--from", chosen.from, "first day in force");
    import.add_option("--to", chosen.to, "last day in force");
    import.add_option("--title", chosen.title, "what it is called");
    import.add_option("--language", chosen.language, "of the displays, zh-CN if left out");
    import.add_option("FILE", chosen.words, "CSV with the columns code and display at least")->required()->expected(1);

    CLI::App& lookup = word(parent, chosen, What::lookup, "lookup", "What a code means",
                            "xinglin terminology lookup --system urn:oid:2.16.156.10011.2.3.3.4 1");
    lookup.add_option("--system", chosen.system, "the code system")->required();
    lookup.add_option("--version", chosen.version, "its edition");
    lookup.add_option("CODE", chosen.words, "the code")->required()->expected(1);
    sources(lookup, chosen);

    CLI::App& expand = word(parent, chosen, What::expand, "expand", "The codes of a value set",
                            "xinglin terminology expand urn:xinglin:valueset:icd-10 --filter tangniaobing --count 20");
    expand.add_option("URL", chosen.words, "the value set; SYSTEM?fhir_vs is all of a code system")->required()->expected(1);
    expand.add_option("--version", chosen.version, "of the value set");
    expand.add_option("--filter", chosen.filter, "Chinese, English, a code, pinyin or its initials");
    expand.add_option("--offset", chosen.offset, "how many to leave out");
    expand.add_option("--count", chosen.count, "how many to show");
    sources(expand, chosen);

    CLI::App& validate = word(parent, chosen, What::validate, "validate", "Is a code in a code system, or in a value set?",
                              "xinglin terminology validate --value-set urn:xinglin:valueset:sex-gbt2261.1 1");
    validate.add_option("--system", chosen.system, "the code system");
    validate.add_option("--version", chosen.version, "its edition");
    validate.add_option("--value-set", chosen.value_set, "the value set");
    validate.add_option("--display", chosen.display, "must be a name of the code");
    validate.add_option("CODE", chosen.words, "the code")->required()->expected(1);
    sources(validate, chosen);

    CLI::App& translate = word(parent, chosen, What::translate, "translate", "What a code is called in another code system",
                               "xinglin terminology translate --system urn:oid:2.16.156.10011.2.3.3.4 --target "
                               "http://hl7.org/fhir/administrative-gender 1");
    translate.add_option("--system", chosen.system, "the code system of the code");
    translate.add_option("--map", chosen.map, "the concept map; left out: all of them");
    translate.add_option("--target", chosen.target, "the code system wanted");
    translate.add_flag("--reverse", chosen.reverse, "read the maps from their target side");
    translate.add_option("CODE", chosen.words, "the code")->required()->expected(1);
    sources(translate, chosen);

    CLI::App& convert = word(parent, chosen, What::convert, "convert", "A value in another UCUM unit",
                             "xinglin terminology convert 5.6 g/dL g/L");
    convert.add_option("WORDS", chosen.words, "VALUE FROM TO")->required()->expected(3);
}

}  // namespace xinglin::server
