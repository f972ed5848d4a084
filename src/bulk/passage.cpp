// SPDX-License-Identifier: Apache-2.0
// From the record into the files: several readers, each with its own part of the storage order, lines gathered by type.
#include <exception>

#include "bulk/compartment.h"
#include "bulk/filters.h"
#include "bulk/kept.h"
#include "bulk/release.h"
#include "bulk/release_scan.h"
#include "bulk/spool.h"

namespace xinglin::bulk {

namespace {

constexpr std::size_t lines_bytes = 1u << 20;      // gathered before they are packed and written
constexpr std::size_t changed_most = 2'000'000;    // versions since _since that are read one by one rather than by a scan
constexpr std::int64_t common_step = 4'096;        // rids of one part
constexpr std::int64_t patient_step = 16ll << 20;  // 16 patients
constexpr std::size_t list_step = 2'000;

/// Which part is next? Shared by the threads. Parts come in rounds: at the end of one all before place() is written.
class Parts {
public:
    Parts(std::optional<std::vector<record::Rid>> only, record::Rid place) : only_(std::move(only)), place_(place) {
        if (only_) at_ = static_cast<std::size_t>(std::lower_bound(only_->begin(), only_->end(), place) - only_->begin());
    }

    void begin_round(const std::function<bool()>& is_enough) {
        is_enough_ = is_enough;
        any_ = false;
    }
    /// False when there is none, or the round is over; at least one part a round.
    bool next(record::Reader& reader, record::Slice& slice, std::vector<record::Rid>& listed) {
        const std::lock_guard lock(mutex_);
        if (over_ || (any_ && is_enough_())) return false;
        any_ = true;
        if (only_) {
            const std::size_t end = std::min(only_->size(), at_ + list_step);
            listed.assign(only_->begin() + static_cast<std::ptrdiff_t>(at_), only_->begin() + static_cast<std::ptrdiff_t>(end));
            at_ = end;
            over_ = listed.empty();
            if (!over_) place_ = listed.back() + 1;
            slice.only = &listed;
            return !over_;
        }
        const auto first = reader.next_rid(place_);
        over_ = !first;
        if (over_) return false;
        slice.from = *first;
        slice.before = *first + (*first < (4'096ll << 20) ? common_step : patient_step);
        place_ = slice.before;
        return true;
    }
    bool is_over() const { return over_; }
    record::Rid place() const { return place_; }

private:
    std::mutex mutex_;  // guards what follows
    const std::optional<std::vector<record::Rid>> only_;
    std::size_t at_ = 0;
    record::Rid place_;
    std::function<bool()> is_enough_;
    bool any_ = false, over_ = false;
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
    const RunOptions& options;
    std::optional<std::vector<std::string>> patients;  // asked for; nothing: all
    Reached reached;
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
          compartment_(plan.patients ? &*plan.patients : nullptr),
          filters_(store, plan.as_of, plan.reached) {}

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
        const Order& order = plan_.order;
        if (order.level != Level::system && !compartment_.has(*sight.type, body)) return;
        Lines& lines = lines_[sight.type];
        const std::size_t before = lines.text.size();
        if (order.filters.empty() && order.elements.empty() && !plan_.options.deidentifier) {
            lines.text.append(body);
        } else if (!add_changed(sight, body, lines.text)) {
            lines.text.resize(before);
            return;
        }
        lines.text.push_back('\n');
        ++lines.count;
        if (lines.text.size() >= lines_bytes) flush(sight.type, false, lines);
    }

    /// Filtered, cut to the elements asked for, de-identified. False when it is not wanted after all.
    bool add_changed(const record::Sight& sight, std::string_view body, std::string& out) {
        arena_.clear();
        const auto parsed = json::parse(body, arena_, {.depth = 1'000, .bytes = body.size() + 1});
        if (!parsed.ok() || !passes(sight, *parsed)) return false;
        json::Value resource = *parsed;
        if (!plan_.order.elements.empty()) resource = only_elements(plan_.order, *sight.type, resource, arena_);
        if (const Deidentifier* deidentifier = plan_.options.deidentifier) {
            resource =
                plan_.options.release ? plan_.options.release->apply(resource, arena_) : deidentifier->apply(resource, arena_);
            if (!resource) {
                ++progress_.left_out;
                return false;
            }
        }
        json::write(resource, out);
        return true;
    }

    /// A deleted resource no longer says whose it was: every deletion of the types asked for is told, as the standard allows
    /// for clients that keep a copy.
    void take_deletion(const record::Sight& sight, std::string_view id) {
        const Deidentifier* deidentifier = plan_.options.deidentifier;
        if (deidentifier && deidentifier->leaves_out(*sight.type)) return;
        deletions_.text += R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":")";
        deletions_.text.append(sight.type->name).append("/");
        deletions_.text.append(deidentifier ? deidentifier->id_of(*sight.type, id) : std::string(id)).append("\"}}]}\n");
        ++deletions_.count;
        if (deletions_.text.size() >= lines_bytes) flush(nullptr, true, deletions_);
    }

    bool passes(const record::Sight& sight, json::Value resource) {
        bool filtered = false;
        for (const Order::Filter& filter : plan_.order.filters) {
            if (filter.type != sight.type) continue;
            filtered = true;
            if (filters_.has_all(*sight.type, resource, sight.updated_ms, filter.all)) return true;
        }
        return !filtered;
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
    Filters filters_;
    Packing packing_;
    std::unordered_map<const fhir::Type*, Lines> lines_;
    Lines deletions_;
    json::Arena arena_;
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

/// Runs the same on several threads; what one throws ends all.
void on_threads(const RunOptions& options, Progress& progress, const std::function<void()>& work) {
    std::mutex failure_mutex;
    std::exception_ptr failure;
    const auto guarded = [&] {
        try {
            work();
        } catch (...) {
            const std::lock_guard lock(failure_mutex);
            if (!failure) failure = std::current_exception();
            progress.cancelled = true;
        }
    };
    std::vector<std::thread> threads;
    const std::size_t wanted = std::max(1u, options.threads);
    threads.reserve(wanted);
    try {
        while (threads.size() < wanted) threads.emplace_back(guarded);
    } catch (const std::exception&) {  // fewer will do
        if (threads.empty()) throw;
    }
    for (std::thread& thread : threads) thread.join();
    if (failure) std::rethrow_exception(failure);
}

/// Reads the type that a _has names, and keeps whom its matches name.
void reach(record::Store& store, Plan& plan, const fhir::Type& named, const search::Criterion& has, Progress& progress) {
    auto& reached = plan.reached[&has];
    std::mutex reached_mutex;
    Parts parts(std::nullopt, INT64_MIN);
    parts.begin_round([] { return false; });
    on_threads(plan.options, progress, [&] {
        record::Reader reader = store.reader(access::Viewer::program("export"));
        Filters filters(store, plan.as_of, plan.reached);
        record::Slice slice{.as_of = plan.as_of};
        std::vector<record::Rid> listed;
        json::Arena arena;
        const auto wanted = [&](const record::Sight& sight) { return !sight.deleted && sight.type == has.has_type; };
        const auto each = [&](const record::Sight& sight, std::string_view body) {
            arena.clear();
            const auto resource = json::parse(body, arena, {.depth = 1'000, .bytes = body.size() + 1});
            std::unordered_set<std::string> found;
            if (resource.ok()) add_reached(named, has, *resource, sight.updated_ms, filters, found);
            if (!found.empty()) {
                const std::lock_guard lock(reached_mutex);
                reached.merge(found);
                if (reached.size() > reached_most)
                    throw std::runtime_error("_typeFilter " + has.written + ": reaches more than 2,000,000 resources; narrow it");
            }
            return !progress.cancelled;
        };
        while (!progress.cancelled && parts.next(reader, slice, listed)) reader.scan(slice, wanted, each);
    });
}

Plan plan_of(record::Store& store, const Order& order, record::Position as_of, const RunOptions& options) {
    Plan plan{order, as_of, options, std::nullopt, {}};
    if (!order.patients.empty()) plan.patients = order.patients;
    if (order.level != Level::group) return plan;
    record::Reader reader = store.reader(access::Viewer::program("export"));
    auto found = members(reader, order.group, as_of);
    if (!found.ok()) throw std::runtime_error("the Group cannot be read: " + found.outcome().line());
    if (plan.patients) {
        std::erase_if(*found, [&](const std::string& id) {
            return std::find(plan.patients->begin(), plan.patients->end(), id) == plan.patients->end();
        });
    }
    plan.patients = std::move(*found);
    return plan;
}

/// What an earlier run left, if it was the same one.
Checkpoint begin_or_go_on(const Order& order, record::Position as_of, const fs::path& folder, Progress& progress) {
    if (auto left = read_checkpoint(folder); left && left->what.position == as_of && left->what.parameters == order.written) {
        progress.left_out = left->left_out;
        return std::move(*left);
    }
    Checkpoint fresh{.what = {order.level, order.group, order.written, as_of, 0}, .place = INT64_MIN, .left_out = 0, .files = {}};
    write_durably(folder / checkpoint_file, stored_text(fresh));
    return fresh;
}

/// Every Patient and every resource of `also`, each with whether it is asked for; of a release, that is read twice.
class Looker {
public:
    Looker(record::Store& store, const Plan& plan, Parts& parts, Progress& progress, const fhir::Type& also, const Seen& seen)
        : plan_(plan),
          parts_(parts),
          progress_(progress),
          also_(also),
          seen_(seen),
          reader_(store.reader(access::Viewer::program("export"))),
          compartment_(plan.patients ? &*plan.patients : nullptr),
          filters_(store, plan.as_of, plan.reached) {}

    void run() {
        record::Slice slice{.as_of = plan_.as_of};
        std::vector<record::Rid> listed;
        const fhir::Type* patient = fhir::find_resource("Patient");
        const auto wanted = [&](const record::Sight& sight) {
            return !sight.deleted && (sight.type == patient || sight.type == &also_);
        };
        const auto each = [&](const record::Sight& sight, std::string_view body) {
            arena_.clear();
            const auto parsed = json::parse(body, arena_, {.depth = 1'000, .bytes = body.size() + 1});
            if (parsed.ok()) seen_(*sight.type, *parsed, sight.type == patient && is_asked(sight, body, *parsed));
            return !progress_.cancelled;
        };
        while (!progress_.cancelled && parts_.next(reader_, slice, listed)) reader_.scan(slice, wanted, each);
    }

private:
    bool is_asked(const record::Sight& sight, std::string_view body, json::Value resource) {
        if (plan_.order.level != Level::system && !compartment_.has(*sight.type, body)) return false;
        bool filtered = false;
        for (const Order::Filter& filter : plan_.order.filters) {
            if (filter.type != sight.type) continue;
            filtered = true;
            if (filters_.has_all(*sight.type, resource, sight.updated_ms, filter.all)) return true;
        }
        return !filtered;
    }

    const Plan& plan_;
    Parts& parts_;
    Progress& progress_;
    const fhir::Type& also_;
    const Seen& seen_;
    record::Reader reader_;
    Compartment compartment_;
    Filters filters_;
    json::Arena arena_;
};

}  // namespace

void look_at_patients(record::Store& store, const Order& order, record::Position as_of, const RunOptions& options,
                      Progress& progress, const fhir::Type& also, const Seen& seen) {
    Plan plan = plan_of(store, order, as_of, options);
    for (const auto& [type, has] : has_conditions(order.filters)) reach(store, plan, *type, *has, progress);
    Parts parts(std::nullopt, INT64_MIN);
    parts.begin_round([] { return false; });
    on_threads(options, progress, [&] { Looker(store, plan, parts, progress, also, seen).run(); });
}

std::vector<File> write_files(record::Store& store, const Order& order, record::Position as_of, const fs::path& folder,
                              const RunOptions& options, Progress& progress) {
    Plan plan = plan_of(store, order, as_of, options);
    Checkpoint checkpoint = begin_or_go_on(order, as_of, folder, progress);
    for (const auto& [type, has] : has_conditions(order.filters)) reach(store, plan, *type, *has, progress);
    std::optional<Parts> parts;
    {
        record::Reader reader = store.reader(access::Viewer::program("export"));
        parts.emplace(candidates(reader, plan), checkpoint.place);
    }
    Spool spool(folder, order.packed, options, progress, checkpoint.files);
    while (!progress.cancelled && !parts->is_over()) {
        const std::uint64_t upto = progress.bytes + options.checkpoint_bytes;
        parts->begin_round([&] { return progress.bytes >= upto; });
        on_threads(options, progress, [&] { Carrier(store, plan, *parts, spool, progress).run(); });
        if (progress.cancelled || parts->is_over()) break;
        checkpoint.place = parts->place();
        checkpoint.left_out = progress.left_out;
        checkpoint.files = spool.so_far();
        write_durably(folder / checkpoint_file, stored_text(checkpoint));
    }
    if (progress.cancelled) return {};
    auto files = spool.finish();
    std::error_code ignored;
    fs::remove(folder / checkpoint_file, ignored);
    return files;
}

}  // namespace xinglin::bulk
