// SPDX-License-Identifier: Apache-2.0
// From the record into the files: several readers, each with its own part of the storage order, lines gathered by type.
#include <exception>
#include <unordered_map>
#include <unordered_set>

#include "bulk/spool.h"
#include "text/text.h"

namespace xinglin::bulk {

namespace {

constexpr std::size_t lines_bytes = 1u << 20;      // gathered before they are packed and written
constexpr std::size_t changed_most = 2'000'000;    // versions since _since that are read one by one rather than by a scan
constexpr std::int64_t common_step = 4'096;        // rids of one part
constexpr std::int64_t patient_step = 16ll << 20;  // 16 patients
constexpr std::size_t list_step = 2'000;

/// Which part is next? Shared by the threads.
class Parts {
public:
    explicit Parts(std::optional<std::vector<record::Rid>> only) : only_(std::move(only)) {}

    /// False when there is none.
    bool next(record::Reader& reader, record::Slice& slice, std::vector<record::Rid>& listed) {
        const std::lock_guard lock(mutex_);
        if (only_) {
            if (at_ >= only_->size()) return false;
            const std::size_t end = std::min(only_->size(), at_ + list_step);
            listed.assign(only_->begin() + static_cast<std::ptrdiff_t>(at_), only_->begin() + static_cast<std::ptrdiff_t>(end));
            at_ = end;
            slice.only = &listed;
            return true;
        }
        const auto first = over_ ? std::nullopt : reader.next_rid(from_);
        over_ = !first;
        if (over_) return false;
        slice.from = *first;
        slice.before = *first + (*first < (4'096ll << 20) ? common_step : patient_step);
        from_ = slice.before;
        return true;
    }

private:
    std::mutex mutex_;  // guards what follows
    const std::optional<std::vector<record::Rid>> only_;
    std::size_t at_ = 0;
    record::Rid from_ = INT64_MIN;
    bool over_ = false;
};

/// Does a resource belong to a patient asked for? From the resource itself, as it was.
class Compartment {
public:
    explicit Compartment(const std::vector<std::string>* patients) {
        if (patients) asked_.emplace(patients->begin(), patients->end());
    }

    bool has(const fhir::Type& type, std::string_view body) {
        const bool is_patient = type.name == "Patient";
        if (is_patient && !asked_) return true;
        if (!is_patient && body.find("Patient/") == std::string_view::npos) return false;
        const auto names = fhir::compartment_parameters("Patient", type.name);
        if (names.empty() && !is_patient) return false;
        if (plainly_names(body, plain_members(type, names))) return true;
        arena_.clear();
        const auto resource = json::parse(body, arena_, {.depth = 1'000, .bytes = body.size() + 1});
        if (!resource.ok()) return false;
        if (is_patient && is_asked(resource->find("id").string())) return true;
        entries_.clear();
        search::extract(type, *resource, 0, entries_);
        for (const search::Reference& reference : entries_.references) {
            if (reference.type == "Patient" && is_asked(reference.id) && counts(type, names, reference)) return true;
        }
        return false;
    }

private:
    /// Members that are compartment parameters as they stand ("subject" of Observation.subject): found without parsing.
    const std::vector<std::string>& plain_members(const fhir::Type& type, std::span<const std::string_view> names) {
        const auto [place, is_new] = plain_.try_emplace(&type);
        if (!is_new) return place->second;
        for (const std::string_view name : names) {
            const search::Parameter* parameter = search::find_parameter(type, name);
            for (std::string_view path : text::split(parameter ? parameter->expression : std::string_view(), '|')) {
                while (path.starts_with(' ')) path.remove_prefix(1);
                while (path.ends_with(' ')) path.remove_suffix(1);
                if (!path.starts_with(type.name) || path.substr(type.name.size(), 1) != ".") continue;
                path.remove_prefix(type.name.size() + 1);
                const std::size_t dot = path.find('.');
                if (dot != std::string_view::npos && path.substr(dot) != ".where(resolve() is Patient)") continue;
                place->second.emplace_back(path.substr(0, dot));
            }
        }
        return place->second;
    }

    /// A member at the top, {"reference":"Patient/ID", of a patient asked for.
    bool plainly_names(std::string_view body, const std::vector<std::string>& members) const {
        constexpr std::string_view mark = "\":{\"reference\":\"Patient/";
        int depth = 0;
        for (std::size_t i = 0; i < body.size(); ++i) {
            const char c = body[i];
            if (c == '{' || c == '[') ++depth;
            else if (c == '}' || c == ']') --depth;
            if (c != '"') continue;
            const std::size_t start = ++i;
            while (i < body.size() && body[i] != '"') i += body[i] == '\\' ? 2 : 1;
            if (depth != 1 || body.substr(i, mark.size()) != mark) continue;
            const std::string_view name = body.substr(start, i - start);
            if (std::find(members.begin(), members.end(), name) == members.end()) continue;
            const std::string_view rest = body.substr(i + mark.size());
            if (is_asked(rest.substr(0, rest.find_first_of("\"/")))) return true;
        }
        return false;
    }

    bool is_asked(std::string_view id) const { return !asked_ || asked_->contains(std::string(id)); }
    static bool counts(const fhir::Type& type, std::span<const std::string_view> names, const search::Reference& reference) {
        for (const std::string_view name : names) {
            const search::Parameter* parameter = search::find_parameter(type, name);
            if (!parameter) continue;
            const bool by_it = reference.parameter == parameter ||
                               std::find(parameter->includes.begin(), parameter->includes.end(), reference.parameter) !=
                                   parameter->includes.end();
            if (by_it && search::counts_for(*parameter, reference)) return true;
        }
        return false;
    }

    std::optional<std::unordered_set<std::string>> asked_;
    std::unordered_map<const fhir::Type*, std::vector<std::string>> plain_;
    json::Arena arena_;
    search::Entries entries_;
};

/// The members of the Group as it was.
Result<std::vector<std::string>> members(record::Reader& reader, std::string_view group, record::Position as_of) {
    const fhir::Type& type = *fhir::find_resource("Group");
    XINGLIN_TRY(const record::Version found, reader.read(type, group, as_of));
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource, json::parse(found.body, arena, {.depth = 1'000, .bytes = found.body.size() + 1}));
    std::vector<std::string> patients;
    for (const json::Node& node : resource.find("member").items()) {
        const json::Value member(&node);
        std::string_view reference = member.find("entity").find("reference").string();
        if (member.find("inactive").as_bool() || !reference.starts_with("Patient/")) continue;
        reference.remove_prefix(8);
        patients.emplace_back(reference.substr(0, reference.find('/')));
    }
    std::sort(patients.begin(), patients.end());
    patients.erase(std::unique(patients.begin(), patients.end()), patients.end());
    return patients;
}

struct Plan {
    const Order& order;
    const record::Position as_of;
    std::optional<std::vector<std::string>> patients;  // asked for; nothing: all
    std::int16_t offset_minutes = 0;
};

/// What one thread does.
class Carrier {
public:
    Carrier(record::Store& store, const Plan& plan, Parts& parts, Spool& spool, Progress& progress)
        : store_(store),
          plan_(plan),
          parts_(parts),
          spool_(spool),
          progress_(progress),
          reader_(store.reader(access::Viewer::program("export"))),
          compartment_(plan.patients ? &*plan.patients : nullptr) {}

    void run() {
        record::Slice slice{.as_of = plan_.as_of};
        std::vector<record::Rid> listed;
        const auto wanted = [this](const record::Sight& sight) { return is_wanted(sight); };
        const auto each = [this](const record::Sight& sight, std::string_view body) {
            take(sight, body);
            return !progress_.cancelled;
        };
        while (!progress_.cancelled && parts_.next(reader_, slice, listed)) reader_.scan(slice, wanted, each);
        for (auto& [type, lines] : lines_) flush(type, false, lines);
        flush(nullptr, true, deletions_);
    }

private:
    struct Lines {
        std::string text;
        std::uint64_t count = 0;
    };

    bool is_wanted(const record::Sight& sight) {
        if (++seen_ % 256 == 0) progress_.seen += 256;
        const Order& order = plan_.order;
        if (!order.wants(*sight.type)) return false;
        if (order.since_ms && sight.updated_ms < *order.since_ms) return false;
        if (order.until_ms && sight.updated_ms >= *order.until_ms) return false;
        return !sight.deleted || order.since_ms.has_value();
    }

    void take(const record::Sight& sight, std::string_view body) {
        if (sight.deleted) return take_deletion(sight, body);
        if (plan_.order.level != Level::system && !compartment_.has(*sight.type, body)) return;
        if (!plan_.order.filters.empty() && !passes(sight, body)) return;
        Lines& lines = lines_[sight.type];
        lines.text.append(body).push_back('\n');
        ++lines.count;
        if (lines.text.size() >= lines_bytes) flush(sight.type, false, lines);
    }

    /// A deleted resource no longer says whose it was: every deletion of the types asked for is told, as the standard allows
    /// for clients that keep a copy.
    void take_deletion(const record::Sight& sight, std::string_view id) {
        deletions_.text += R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":")";
        deletions_.text.append(sight.type->name).append("/").append(id).append("\"}}]}\n");
        ++deletions_.count;
        if (deletions_.text.size() >= lines_bytes) flush(nullptr, true, deletions_);
    }

    bool passes(const record::Sight& sight, std::string_view body) {
        bool filtered = false;
        for (const Order::Filter& filter : plan_.order.filters) {
            if (filter.type != sight.type) continue;
            if (!filtered) {
                arena_.clear();
                const auto parsed = json::parse(body, arena_, {.depth = 1'000, .bytes = body.size() + 1});
                if (!parsed.ok()) return false;
                resource_ = *parsed;
            }
            filtered = true;
            if (passes(sight, filter)) return true;
        }
        return !filtered;
    }

    bool passes(const record::Sight& sight, const Order::Filter& filter) {
        search::Surroundings around;
        around.offset_minutes = plan_.offset_minutes;
        around.last_updated_ms = sight.updated_ms;
        around.resolve = [this](const search::Reference& reference) {
            const fhir::Type* type = fhir::find_resource(reference.type);
            if (!type || reference.id.empty()) return json::Value();
            auto found = store_.reader(access::Viewer::program("export")).read(*type, reference.id, plan_.as_of);
            if (!found.ok()) return json::Value();
            const auto parsed = json::parse(arena_.keep(found->body), arena_, {.depth = 1'000, .bytes = found->body.size() + 1});
            return parsed.ok() ? *parsed : json::Value();
        };
        around.referrers = [](const search::Parameter&, std::string_view, std::string_view) {
            return std::vector<json::Value>();
        };
        return std::all_of(filter.all.begin(), filter.all.end(), [&](const search::Criterion& criterion) {
            return search::matches(*sight.type, resource_, criterion, around);
        });
    }

    void flush(const fhir::Type* type, bool deletions, Lines& lines) {
        if (lines.count == 0 || progress_.cancelled) return;
        const std::string_view name = type ? type->name : std::string_view("Bundle");
        if (plan_.order.packed) {
            spool_.add(name, deletions, packing_.pack(lines.text), lines.text.size(), lines.count);
        } else {
            spool_.add(name, deletions, lines.text, lines.text.size(), lines.count);
        }
        lines.text.clear();
        lines.count = 0;
    }

    record::Store& store_;
    const Plan& plan_;
    Parts& parts_;
    Spool& spool_;
    Progress& progress_;
    record::Reader reader_;
    Compartment compartment_;
    Packing packing_;
    std::unordered_map<const fhir::Type*, Lines> lines_;
    Lines deletions_;
    json::Arena arena_;
    json::Value resource_;
    std::uint64_t seen_ = 0;
};

/// The resources worth looking at, when they are few; nothing: all of them.
std::optional<std::vector<record::Rid>> candidates(record::Reader& reader, const Plan& plan) {
    const record::Position now = reader.position();
    if (plan.patients) {
        std::vector<record::Rid> rids;
        for (const std::string& patient : *plan.patients) {
            const auto more = reader.compartment(patient);
            rids.insert(rids.end(), more.begin(), more.end());
        }
        const auto since = reader.changed(plan.as_of, now, changed_most);  // what the index of today no longer says
        if (!since) return std::nullopt;
        rids.insert(rids.end(), since->begin(), since->end());
        if (plan.order.since_ms) {  // deletions are in no index
            const auto deleted = reader.changed(reader.position_at(*plan.order.since_ms - 1), plan.as_of, changed_most);
            if (!deleted) return std::nullopt;
            rids.insert(rids.end(), deleted->begin(), deleted->end());
        }
        std::sort(rids.begin(), rids.end());
        rids.erase(std::unique(rids.begin(), rids.end()), rids.end());
        return rids;
    }
    if (!plan.order.since_ms) return std::nullopt;
    return reader.changed(reader.position_at(*plan.order.since_ms - 1), plan.as_of, changed_most);
}

}  // namespace

std::vector<File> write_files(record::Store& store, const Order& order, record::Position as_of,
                              const std::filesystem::path& folder, const RunOptions& options, Progress& progress) {
    Plan plan{order, as_of, std::nullopt, store.offset_minutes()};
    std::optional<Parts> parts;
    {
        record::Reader reader = store.reader(access::Viewer::program("export"));
        if (!order.patients.empty()) plan.patients = order.patients;
        if (order.level == Level::group) {
            auto found = members(reader, order.group, as_of);
            if (!found.ok()) throw std::runtime_error("the Group cannot be read: " + found.outcome().line());
            if (plan.patients) {
                std::erase_if(*found, [&](const std::string& id) {
                    return std::find(plan.patients->begin(), plan.patients->end(), id) == plan.patients->end();
                });
            }
            plan.patients = std::move(*found);
        }
        parts.emplace(candidates(reader, plan));
    }
    Spool spool(folder, order.packed, options, progress);
    std::mutex failure_mutex;
    std::exception_ptr failure;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1u, options.threads); ++i) {
        threads.emplace_back([&] {
            try {
                Carrier(store, plan, *parts, spool, progress).run();
            } catch (...) {
                const std::lock_guard lock(failure_mutex);
                if (!failure) failure = std::current_exception();
                progress.cancelled = true;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
    return progress.cancelled ? std::vector<File>() : spool.finish();
}

}  // namespace xinglin::bulk
