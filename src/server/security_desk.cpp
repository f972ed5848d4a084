// SPDX-License-Identifier: Apache-2.0
// Unusual looks: who looked and who was looked at, as far as the record knows them; and the chain, verified by a thread of its own.
#include "server/security_desk.h"

#include "fhir/fhir.h"
#include "json/json.h"
#include "search/search.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t day_ms = 86'400'000, offset_ms = 8 * 3'600'000;      // China has one time of day
constexpr std::string_view identity_system = "urn:oid:2.16.156.10011.1.3";  // GB 11643 identity numbers
constexpr std::size_t most_known = 5'000;

/// Looks at a person's record; what the house does with itself is nobody's look.
bool is_look(const access::Access& line) {
    constexpr std::string_view staff[] = {"clinician", "epidemiologist", "planner", "operator", "administrator", "auditor"};
    return !line.who.empty() && std::find(std::begin(staff), std::end(staff), line.role) != std::end(staff);
}

std::string identity_of(json::Value resource) {
    const json::Value all = resource.find("identifier");
    for (std::size_t i = 0; i < all.size(); ++i) {
        const std::string_view value = all[i].find("value").string();
        if (all[i].find("system").string() == identity_system || value.size() == 18) return std::string(value);
    }
    return "";
}

std::string first_character(std::string_view name) {
    if (name.empty()) return "";
    const auto lead = static_cast<unsigned char>(name[0]);
    return std::string(name.substr(0, lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4));
}

access::LookFacts::Person person_of(json::Value resource) {
    access::LookFacts::Person person;
    const json::Value name = resource.find("name")[std::size_t{0}], address = resource.find("address")[std::size_t{0}];
    person.surname = name.find("family").string().empty() ? first_character(name.find("text").string())
                                                          : std::string(name.find("family").string());
    person.address = address.find("text").string();
    if (person.address.empty()) {
        for (const std::string_view part : {"state", "city", "district"}) person.address += address.find(part).string();
        const json::Value lines = address.find("line");
        for (std::size_t i = 0; i < lines.size(); ++i) person.address += lines[i].string();
    }
    const json::Value labels = resource.find("meta").find("security");
    for (std::size_t i = 0; i < labels.size(); ++i) person.labels.emplace_back(labels[i].find("code").string());
    return person;
}

}  // namespace

SecurityDesk::SecurityDesk(Where where, record::Store& store, const access::Audit& audit, access::UnusualRules rules,
                           const calendar::Clock& clock)
    : where_(std::move(where)),
      store_(store),
      audit_(audit),
      rules_(std::move(rules)),
      clock_(clock),
      desk_(where_.data, where_.store) {}

SecurityDesk::~SecurityDesk() {
    if (verifier_.joinable()) verifier_.join();
}

const SecurityDesk::Known& SecurityDesk::patient(record::Reader& reader, const std::string& id) {
    if (const auto known = patients_.find(id); known != patients_.end()) return known->second;
    Known known;
    if (const auto version = reader.read(*fhir::find_resource("Patient"), id); version.ok()) {
        json::Arena arena;
        if (const auto resource = json::parse(version->body, arena); resource.ok()) {
            known.person = person_of(*resource);
            known.identity = identity_of(*resource);
            known.person.staff = !known.identity.empty() && is_staff(reader, known.identity);
        }
    }
    return patients_.emplace(id, std::move(known)).first->second;
}

/// Staff live where their own records as residents say, or as they are registered.
const SecurityDesk::Known& SecurityDesk::practitioner(record::Reader& reader, const std::string& id) {
    if (const auto known = practitioners_.find(id); known != practitioners_.end()) return known->second;
    Known known;
    if (const auto version = reader.read(*fhir::find_resource("Practitioner"), id); version.ok()) {
        json::Arena arena;
        if (const auto resource = json::parse(version->body, arena); resource.ok()) {
            known.person = person_of(*resource);
            known.identity = identity_of(*resource);
        }
    }
    if (!known.identity.empty() && known.person.address.empty()) {
        const fhir::Type* type = fhir::find_resource("Patient");
        const std::vector<std::pair<std::string, std::string>> asked{
            {"identifier", std::string(identity_system) + "|" + known.identity}, {"_count", "1"}};
        const auto query = search::parse(std::span(&type, 1), asked);
        const auto found = query.ok() ? reader.search(*query) : Result<record::Found>(query.outcome());
        if (found.ok() && !found->entries.empty())
            known.person.address = patient(reader, found->entries[0].version.id).person.address;
    }
    return practitioners_.emplace(id, std::move(known)).first->second;
}

bool SecurityDesk::is_staff(record::Reader& reader, const std::string& identity) {
    const fhir::Type* type = fhir::find_resource("Practitioner");
    const std::vector<std::pair<std::string, std::string>> asked{{"identifier", identity}, {"_count", "1"}};
    const auto query = search::parse(std::span(&type, 1), asked);
    if (!query.ok()) return false;
    const auto found = reader.search(*query);
    return found.ok() && !found->entries.empty();
}

access::LookFacts SecurityDesk::facts_of(record::Reader& reader, const access::Access& line) {
    access::LookFacts look;
    look.role = line.role;
    look.hour = static_cast<int>((line.at_ms + offset_ms) / 3'600'000 % 24);
    std::string own;
    if (!line.practitioner.empty()) {
        const Known& viewer = practitioner(reader, line.practitioner);
        look.viewer = viewer.person;
        own = viewer.identity;
    }
    if (line.patient.empty() || line.refused()) return look;
    const Known& seen = patient(reader, line.patient);
    look.patient = seen.person;
    look.own = !own.empty() && own == seen.identity;
    return look;
}

std::int64_t SecurityDesk::judge(std::int64_t most) {
    const std::lock_guard lock(judging_);
    if (patients_.size() > most_known) patients_.clear();
    if (practitioners_.size() > most_known) practitioners_.clear();
    const std::int64_t from = desk_.judged();
    const auto lines = audit_.after(from, static_cast<std::uint32_t>(most));
    if (lines.empty()) return 0;
    record::Reader reader = store_.reader(access::Viewer::program("unusual looks"));
    std::vector<access::Finding> found;
    std::map<std::pair<std::string, std::int64_t>, std::pair<std::int64_t, double>>
        counted;  // people today and mean, by who and day
    for (const access::Access& line : lines) {
        if (!is_look(line)) continue;
        access::LookFacts look = facts_of(reader, line);
        const std::int64_t day = (line.at_ms + offset_ms) / day_ms, begins = day * day_ms - offset_ms;
        if (!line.patient.empty() && !line.refused()) {
            auto& [people, mean] = counted[{line.who, day}];
            if (people == 0) {
                people = desk_.seen(line.who, begins, begins + day_ms, offset_ms).people;
                if (people >= rules_.least_people()) {
                    const auto before = desk_.seen(line.who, begins - 30 * day_ms, begins, offset_ms);
                    mean = before.days > 0 ? static_cast<double>(before.people) / static_cast<double>(before.days) : 0;
                }
            }
            look.people_today = people;
            look.mean = mean;
        }
        if (line.refused()) look.refused = desk_.refused_in_a_row(line.who, line.row, 100);
        for (access::Unusual& each : rules_.judge(look)) {
            access::Finding finding;
            finding.row = line.row;
            finding.at_ms = line.at_ms;
            finding.rule = each.rule;
            finding.facts = std::move(each.facts);
            finding.who = line.who;
            finding.patient = each.about_patient ? line.patient : "";
            finding.key = each.rule + '\n' + line.who + '\n' + std::to_string(day) + '\n' + finding.patient;
            found.push_back(std::move(finding));
        }
    }
    desk_.keep(found, lines.back().row);
    return static_cast<std::int64_t>(audit_.all(0).total) - lines.back().row;
}

SecurityDesk::Verification SecurityDesk::verification() const {
    const std::lock_guard lock(mutex_);
    return verification_;
}

void SecurityDesk::verify() {
    const std::lock_guard lock(mutex_);
    if (verification_.running) return;
    if (verifier_.joinable()) verifier_.join();
    verification_.running = true;
    verifier_ = std::thread([this] {
        Verification done;
        try {
            access::Verification how;
            if (where_.store.empty()) {
                if (auto keys = access::public_keys(where_.data / "audit.pub"); keys.ok()) how.keys = std::move(*keys);
            }
            done.result = access::verify(where_.data, where_.store, how);
        } catch (const std::exception& error) {
            done.error = error.what();
        }
        done.at_ms = clock_.now_ms();
        const std::lock_guard inside(mutex_);
        verification_ = std::move(done);
    });
}

}  // namespace xinglin::server
