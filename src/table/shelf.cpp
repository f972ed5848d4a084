// SPDX-License-Identifier: Apache-2.0
// The mappings of content/mappings and the cases that show what they do (content/mappings/README.md).
#include <fmt/format.h>

#include "table/mapping.h"
#include "table/plan.h"

namespace xinglin::table {

namespace {

using content::Complaint;

constexpr std::string_view folder = "mappings";

/// Of "mappings/clinic_visits.json": "clinic_visits"; nothing for what lies deeper.
std::optional<std::string> name_of(std::string_view path) {
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    if (path.find('/') != std::string_view::npos || !path.ends_with(".json")) return std::nullopt;
    return std::string(path.substr(0, path.size() - 5));
}

/// A case: a table, and what has to come of it.
class Case {
public:
    Case(const content::Files& files, std::string file, const Lookup& lookup, std::vector<Complaint>& complaints)
        : files_(files), file_(std::move(file)), lookup_(lookup), complaints_(complaints) {}

    void run() {
        const auto text = files_.read(file_);
        json::Arena arena;
        const auto wanted = json::parse(text ? *text : "", arena);
        if (!wanted.ok()) return complain("", wanted.outcome().line());
        const std::string name((*wanted)["mapping"].string());
        const auto mapping_text = files_.read(fmt::format("{}/{}.json", folder, name));
        if (!mapping_text) return complain("mapping", "there is no mapping of this name");
        const auto mapping = Mapping::read(*mapping_text);
        if (!mapping.ok()) return;  // said of the mapping already
        std::string table((*wanted)["table"].string());
        for (const json::Node& line : (*wanted)["lines"].items()) table += std::string(json::Value(&line).string()) + "\n";
        const auto rows = read_csv(Source::memory(table));
        if (!rows.ok()) return complain("table", rows.outcome().line());
        const message::Sender sender{.id = "case", .name = "示例机构"};
        ConversionOptions options;
        options.lookup = lookup_;
        options.today = "2026-11-22";
        auto conversion = Conversion::begin(*mapping, sender, **rows, std::move(options));
        if (!conversion.ok()) {
            if ((*wanted)["refused"].string() != conversion.outcome().issues.front().key || !(*wanted)["refused"])
                complain("", conversion.outcome().line());
            return;
        }
        compare(*conversion, (*wanted)["items"]);
    }

private:
    void complain(std::string where, std::string what) { complaints_.push_back({file_, std::move(where), std::move(what)}); }

    void compare(Conversion& conversion, json::Value wanted) {
        Item item;
        std::size_t number = 0;
        for (;; ++number) {
            const auto more = conversion.next(item);
            if (!more.ok()) return complain("table", more.outcome().line());
            if (!*more) break;
            compare(item, wanted[number], fmt::format("items/{}", number));
        }
        if (number != wanted.size()) complain("items", fmt::format("{} came out, {} are wanted", number, wanted.size()));
    }

    void compare(const Item& item, json::Value wanted, const std::string& where) {
        if (!item.converted) {
            std::string keys;
            for (const Issue& issue : item.refusal.issues) keys += (keys.empty() ? "" : " ") + issue.key;
            if (wanted["refused"].string() != keys)
                complain(where, fmt::format("was refused with \"{}\": {}", keys, item.refusal.line()));
            return;
        }
        if (wanted["refused"]) return complain(where, "was converted, but should be refused");
        std::string notes;
        for (const message::Note& note : item.converted->notes) notes += (notes.empty() ? "" : " ") + note.key;
        if (wanted["notes"].string() != notes) complain(where, fmt::format("has the notes \"{}\"", notes));
        json::Arena arena;
        const auto bundle = json::parse(item.converted->bundle, arena);
        if (!bundle.ok()) return complain(where, bundle.outcome().line());
        const json::Value entries = (*bundle)["entry"];
        std::vector<json::Value> resources;
        for (const json::Node& entry : entries.items()) resources.push_back(plain(json::Value(&entry)["resource"], arena));
        const json::Value got = arena.array(resources);
        if (!wanted["resources"] || !json::same_content(got, wanted["resources"])) complain(where, "gives " + json::write(got));
    }

    /// Without what is the same everywhere: ids are told by the references.
    static json::Value plain(json::Value resource, json::Arena& arena) { return arena.with(resource, "meta", json::Value()); }

    const content::Files& files_;
    std::string file_;
    const Lookup& lookup_;
    std::vector<Complaint>& complaints_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> shelved(const content::Files& files) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& path : files.list(folder, ".json"))
        if (const auto name = name_of(path))
            if (auto text = files.read(path); text && !text->empty()) all.emplace_back(*name, std::move(*text));
    return all;
}

void check_shelf(const content::Files& files, const Lookup& lookup, std::vector<Complaint>& complaints, std::size_t& checked) {
    for (const auto& [name, text] : shelved(files)) {
        ++checked;
        const std::string file = fmt::format("{}/{}.json", folder, name);
        const auto mapping = Mapping::read(text);
        if (!mapping.ok()) {
            for (const Issue& issue : mapping.outcome().issues) complaints.push_back({file, issue.where, issue.what});
        } else if (mapping->name() != name) {
            complaints.push_back({file, "mapping", "must be the name of the file: " + name});
        }
    }
    for (const std::string& path : files.list("mappings/cases", ".json")) {
        ++checked;
        Case(files, path, lookup, complaints).run();
    }
}

}  // namespace xinglin::table
