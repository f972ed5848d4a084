// SPDX-License-Identifier: Apache-2.0
// What the record says of cards and of who has them, and how cards are written into it.
#include <algorithm>

#include <fmt/format.h>

#include "card/inside.h"
#include "card/resource.h"
#include "identity/judge.h"
#include "text/text.h"

namespace xinglin::card {

namespace {

constexpr std::string_view resident_system = "urn:oid:2.16.156.10011.1.3";
constexpr std::size_t page = 500;

const fhir::Type& basic_type() { return *fhir::find_resource("Basic"); }
const fhir::Type& patient_type() { return *fhir::find_resource("Patient"); }

std::string name_of(json::Value patient) {
    for (const json::Node& node : patient["name"].items()) {
        const json::Value name(&node);
        if (name["use"].string() == "old") continue;
        if (!name["text"].string().empty()) return std::string(name["text"].string());
        std::string made(name["family"].string());
        for (const json::Node& given : name["given"].items()) made += json::Value(&given).string();
        if (!made.empty()) return made;
    }
    return {};
}

/// A sound identity number, or a passport (type PPN).
bool is_document(json::Value identifier) {
    const std::string_view value = identifier["value"].string();
    if (identifier["use"].string() == "old" || value.empty()) return false;
    if (identifier["system"].string() == resident_system) return identity::is_sound_identity(text::lower_ascii(value));
    for (const json::Node& node : identifier["type"]["coding"].items()) {
        if (json::Value(&node)["code"].string() == "PPN" && value.size() >= 6) return true;
    }
    return false;
}

void take(Identity& into, json::Value patient, std::string_view id) {
    if (into.patient.empty()) into.patient = id;
    if (into.name.empty()) into.name = name_of(patient);
    const std::string_view birth = patient["birthDate"].string();
    if (birth.size() > into.birth_date.size()) into.birth_date = birth;
    into.deceased = into.deceased || patient["deceasedBoolean"].as_bool() || patient["deceasedDateTime"];
    for (const json::Node& node : patient["identifier"].items()) {
        const json::Value identifier(&node);
        if (is_document(identifier)) into.documents.emplace_back(identifier["value"].string());
    }
}

}  // namespace

std::vector<std::string> Cards::Inside::patients_of(std::string_view patient) const {
    std::vector<std::string> all = persons.patients(patient);
    if (std::find(all.begin(), all.end(), patient) == all.end()) all.insert(all.begin(), std::string(patient));
    return all;
}

std::optional<std::string> Cards::Inside::patient_text(record::Reader& reader, std::string_view id) const {
    auto version = reader.read(patient_type(), id);
    if (!version.ok()) return std::nullopt;
    return std::move(version->body);
}

Identity Cards::Inside::identity_of(std::string_view patient) const {
    Identity out;
    record::Reader from = reader();
    std::vector<std::string> ids = patients_of(patient);
    std::stable_partition(ids.begin(), ids.end(), [&](const std::string& id) { return id == patient; });
    for (const std::string& id : ids) {
        const auto text = patient_text(from, id);
        if (!text) continue;
        json::Arena arena;
        const auto parsed = json::parse(*text, arena, {.depth = 1'000, .bytes = text->size() + 1});
        if (parsed.ok()) take(out, *parsed, id);
    }
    return out;
}

bool Cards::Inside::fits_document(const Identity& identity, std::string_view checked) const {
    std::string plain;
    for (const char c : checked) {
        if (c != '-' && c != ' ') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    constexpr std::size_t last = 4;
    for (const std::string& document : identity.documents) {
        const std::string folded = text::lower_ascii(document);
        if (plain.size() >= last && folded.size() >= plain.size() && folded.ends_with(plain)) return true;
    }
    std::string birth = identity.birth_date;
    std::erase(birth, '-');
    return birth.size() == 8 && plain == birth;
}

Result<search::Query> Cards::Inside::query(std::vector<std::pair<std::string, std::string>> asked) const {
    const fhir::Type* type = &basic_type();
    return search::parse(std::span(&type, 1), asked);
}

std::vector<record::Version> Cards::Inside::found(const std::vector<std::pair<std::string, std::string>>& asked,
                                                  std::size_t most) const {
    std::vector<record::Version> out;
    record::Reader from = reader();
    std::string next;
    do {
        auto all = asked;
        all.emplace_back("_count", std::to_string(page));
        if (!next.empty()) all.emplace_back("_page", next);
        const auto parsed = query(std::move(all));
        if (!parsed.ok()) throw std::logic_error("a query of ours: " + parsed.outcome().line());
        auto some = from.search(*parsed);
        if (!some.ok()) throw std::logic_error("a search of ours: " + some.outcome().line());
        for (auto& each : some->entries) out.push_back(std::move(each.version));
        next = some->next;
    } while (!next.empty() && out.size() < most);
    return out;
}

std::optional<Card> Cards::Inside::read_card(Number number) const {
    const auto version = reader().read(basic_type(), id_of(number));
    if (!version.ok()) return std::nullopt;
    json::Arena arena;
    const auto parsed = json::parse(version->body, arena);
    auto card = parsed.ok() ? card_of(*parsed) : std::nullopt;
    if (!card || card->number != number) return std::nullopt;
    card->version = version->version;
    card->changed_ms = version->updated_ms;
    return card;
}

std::optional<Family> Cards::Inside::read_family(std::string_view id) const {
    const auto version = reader().read(basic_type(), id);
    if (!version.ok()) return std::nullopt;
    json::Arena arena;
    const auto parsed = json::parse(version->body, arena);
    auto family = parsed.ok() ? family_of(*parsed) : std::nullopt;
    if (!family) return std::nullopt;
    family->version = version->version;
    family->changed_ms = version->updated_ms;
    return family;
}

Result<Card> Cards::Inside::read_back(Number number) const {
    auto card = read_card(number);
    if (!card) return refuse(IssueCode::transient, "card", "was written and cannot be read; look at the person's cards");
    return std::move(*card);
}

Result<Done> Cards::Inside::write(const std::vector<Write>& writes, const AlsoCheck& also) {
    std::vector<record::Prepared> prepared;
    for (const Write& each : writes) {
        json::Arena arena;
        XINGLIN_TRY(const json::Value resource, json::parse(each.text, arena));
        prepared.push_back(store.prepare(basic_type(), each.id, resource));
    }
    return store.submit_and_wait([&](record::Transaction& transaction) -> Result<Done> {
        for (const Write& each : writes) {
            const auto present = transaction.state(basic_type(), each.id);
            if ((present ? present->version : 0) != each.present)
                return refuse(IssueCode::conflict, "card", "was changed by somebody else just now; look at it again");
        }
        if (also) XINGLIN_CHECK(also(transaction));
        for (std::size_t i = 0; i < writes.size(); ++i) transaction.put(prepared[i], writes[i].present == 0, false);
        return Done{};
    });
}

}  // namespace xinglin::card
