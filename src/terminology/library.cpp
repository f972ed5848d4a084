// SPDX-License-Identifier: Apache-2.0
// Finding editions and reading them.
#include "terminology/library.h"

#include <algorithm>
#include <set>

#include "text/text.h"

namespace xinglin::terminology {

namespace {

constexpr std::string_view folder = "terminology";
constexpr std::int64_t look_every_ms = 50;
constexpr std::int64_t china_ms = 8 * 3'600'000;
constexpr json::Limits limits{.depth = 210, .bytes = 1u << 30};

int worth(const Edition& edition) { return edition.status == "retired" ? 0 : edition.status == "active" ? 2 : 1; }

/// Digits by their number, so that 10 comes after 9.
bool version_less(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        const auto digits = [](std::string_view text) { return std::min(text.find_first_not_of("0123456789"), text.size()); };
        const std::size_t x = digits(a), y = digits(b);
        if (x > 0 && y > 0 && x != y) return x < y;
        const std::size_t step = std::max<std::size_t>(1, std::min(x, y));
        if (const int order = a.substr(0, step).compare(b.substr(0, step)); order != 0) return order < 0;
        a.remove_prefix(step);
        b.remove_prefix(step);
    }
    return a.size() < b.size();
}

/// True when `a` is meant rather than `b`, both being in force.
bool is_rather(const Edition& a, const Edition& b) {
    if (worth(a) != worth(b)) return worth(a) > worth(b);
    if (a.from != b.from) return a.from > b.from;
    if (a.version != b.version) return version_less(b.version, a.version);
    return a.origin > b.origin;
}

}  // namespace

Library::Library(const content::Files& files, const calendar::Clock& clock, Stored stored)
    : files_(files), clock_(clock), stored_(std::move(stored)) {}

std::string Library::today() const { return calendar::instant_text(clock_.now_ms() + china_ms).substr(0, 10); }

Now Library::now(bool fresh) {
    const std::int64_t at = clock_.now_ms();
    {
        const std::shared_lock lock(catalogue_lock_);
        const std::int64_t looked = looked_ms_;
        if (catalogue_ && (!stored_.position || (!fresh && at >= looked && at - looked < look_every_ms))) return catalogue_;
    }
    renew(fresh);
    const std::shared_lock lock(catalogue_lock_);
    return catalogue_;
}

void Library::renew(bool fresh) {
    const std::lock_guard renewing(renewing_);
    Now before;
    {
        const std::shared_lock lock(catalogue_lock_);
        before = catalogue_;
        const std::int64_t at = clock_.now_ms();
        if (before && !fresh && at >= looked_ms_ && at - looked_ms_ < look_every_ms) return;  // somebody just did
    }
    if (!has_built_in_) {
        read_content();
        has_built_in_ = true;
    }
    const std::int64_t position = stored_.position ? stored_.position() : 0;
    looked_ms_ = clock_.now_ms();
    if (before && position == position_) return;
    std::vector<Here> known;
    if (before) {
        for (const Here& edition : before->editions) {
            if (edition->origin == Origin::stored) known.push_back(edition);
        }
    }
    Now made = gather(stored_.each ? read_stored(known) : std::vector<Here>());
    const_cast<Catalogue&>(*made).generation = before ? before->generation + 1 : 1;  // nobody else has it yet
    position_ = position;
    {
        const std::unique_lock lock(loaded_lock_);
        std::set<const Edition*> alive;
        for (const Here& edition : made->editions) {
            // One whose supplements are others now is read again.
            if (!before || supplements_of(*before, *edition) == supplements_of(*made, *edition)) alive.insert(edition.get());
        }
        std::erase_if(loaded_, [&](const auto& entry) { return !alive.contains(entry.first); });
    }
    const std::unique_lock lock(catalogue_lock_);
    catalogue_ = std::move(made);
}

void Library::read_content() {
    std::set<std::string> indexed;
    for (const std::string& file : files_.list(folder, ".index")) {
        const auto text = files_.read(file);
        if (!text) continue;
        for (Edition& edition : read_index(*text)) {
            edition.file = std::string(folder) + "/" + edition.file;
            if (files_.origin(edition.file) != "built in") continue;  // replaced by the overlay: its offsets say nothing
            indexed.insert(edition.file);
            built_in_.push_back(std::make_shared<const Edition>(std::move(edition)));
        }
    }
    for (const std::string& file : files_.list(folder, ".system.json")) {
        json::Arena arena;
        const auto text = files_.read(file);
        if (!text) continue;
        const auto header = json::parse(*text, arena, limits);
        auto edition = header.ok() ? describe(*header) : Result<Edition>(header.outcome());
        if (!edition.ok()) {
            content_troubles_.push_back(file + ": " + edition.outcome().line());
            continue;
        }
        edition->origin = files_.origin(file) == "built in" ? Origin::built_in : Origin::overlay;
        edition->file = file;
        edition->csv = file.substr(0, file.size() - std::string_view(".system.json").size()) + ".csv";
        built_in_.push_back(std::make_shared<const Edition>(std::move(edition).value()));
    }
    for (const std::string& file : files_.list(folder, ".ndjson")) {
        if (!indexed.contains(file)) read_lines(file);
    }
}

/// Resources line by line, without an index.
void Library::read_lines(const std::string& file) {
    const auto text = files_.read(file);
    if (!text) return;
    std::size_t offset = 0;
    for (const std::string_view line : text::split(*text, '\n')) {
        const std::size_t at = offset;
        offset += line.size() + 1;
        if (line.find_first_not_of(" \r") == std::string_view::npos) continue;
        json::Arena arena;
        const auto resource = json::parse(line, arena, limits);
        auto edition = resource.ok() ? describe(*resource) : Result<Edition>(resource.outcome());
        if (!edition.ok()) {
            content_troubles_.push_back(file + ": " + edition.outcome().line());
            continue;
        }
        edition->origin = Origin::overlay;
        edition->file = file;
        edition->offset = at;
        edition->bytes = line.size();
        built_in_.push_back(std::make_shared<const Edition>(std::move(edition).value()));
    }
}

/// What users wrote; editions that are still the same stay the same, with what was read of them.
std::vector<Here> Library::read_stored(const std::vector<Here>& before) {
    std::map<std::string, Here> known;
    for (const Here& edition : before)
        known[std::string(type_name(edition->kind)) + "/" + edition->id + "/" + std::to_string(edition->stored_version)] =
            edition;
    std::vector<Here> all;
    stored_.each([&](std::string_view type, std::string_view id, std::int64_t version, std::string_view body) {
        const auto same = known.find(std::string(type) + "/" + std::string(id) + "/" + std::to_string(version));
        if (same != known.end()) {
            all.push_back(same->second);
            return;
        }
        json::Arena arena;
        const auto resource = json::parse(body, arena, limits);
        if (!resource.ok()) return;
        auto edition = describe(*resource);
        if (!edition.ok()) return;  // without a url nobody can mean it
        edition->origin = Origin::stored;
        edition->id = id;
        edition->stored_version = version;
        all.push_back(std::make_shared<const Edition>(std::move(edition).value()));
    });
    return all;
}

Now Library::gather(const std::vector<Here>& stored) {
    auto made = std::make_shared<Catalogue>();
    made->editions = built_in_;
    made->editions.insert(made->editions.end(), stored.begin(), stored.end());
    made->troubles = content_troubles_;
    for (const Here& edition : made->editions) {
        if (!edition->supplements.empty()) made->supplements.push_back(edition);
        auto& all = edition->kind == Kind::system      ? made->systems
                    : edition->kind == Kind::value_set ? made->value_sets
                                                       : made->maps;
        all[edition->url].push_back(edition);
        for (const std::string& alias : edition->aliases) {
            if (alias != edition->url) all[alias].push_back(edition);
        }
        if (edition->kind == Kind::system && !edition->value_set.empty())
            made->systems_of_value_set.emplace(edition->value_set, edition);
    }
    return made;
}

Here Library::find(const Catalogue& catalogue, Kind kind, std::string_view url, std::string_view version,
                   std::string_view date) const {
    const auto& all = catalogue.of(kind);
    const auto found = all.find(std::string(url));
    if (found == all.end()) return nullptr;
    const std::string day = date.empty() ? today() : std::string(date);
    Here best;
    for (const Here& edition : found->second) {
        if (version.empty() ? !edition->in_force_on(day) : edition->version != version) continue;
        if (!best || is_rather(*edition, *best)) best = edition;
    }
    return best;
}

Result<std::shared_ptr<const Concepts>> Library::concepts(const Here& edition) {
    {
        const std::shared_lock lock(loaded_lock_);
        const auto found = loaded_.find(edition.get());
        if (found != loaded_.end()) return found->second.second;
    }
    const std::lock_guard loading(loading_);
    {
        const std::shared_lock lock(loaded_lock_);
        const auto found = loaded_.find(edition.get());
        if (found != loaded_.end()) return found->second.second;
    }
    auto made = load(edition);
    if (!made.ok()) {
        Outcome outcome = std::move(made).outcome();
        for (Issue& issue : outcome.issues) issue.where = edition->where() + (issue.where.empty() ? "" : ", " + issue.where);
        return outcome;
    }
    const std::unique_lock lock(loaded_lock_);
    loaded_[edition.get()] = {edition, *made};
    return made;
}

/// The text of a resource; under `loading_`.
Result<std::string> Library::text_of(const Edition& edition) {
    if (edition.origin == Origin::stored) {
        auto body = stored_.body ? stored_.body(type_name(edition.kind), edition.id) : std::nullopt;
        if (!body) return refuse(IssueCode::not_found, edition.where(), "is gone from the record");
        return std::move(*body);
    }
    if (last_file_ != edition.file) {
        auto text = files_.read(edition.file);
        if (!text) return refuse(IssueCode::not_found, edition.where(), "is not there");
        last_file_ = edition.file;
        last_text_ = std::move(*text);
    }
    std::string text =
        edition.bytes > 0 ? last_text_.substr(std::min(edition.offset, last_text_.size()), edition.bytes) : last_text_;
    if (last_text_.size() > (1u << 20)) {  // one large map is no reason to keep its text
        last_file_.clear();
        last_text_ = {};
    }
    return text;
}

Result<std::shared_ptr<const Concepts>> Library::load(const Here& edition) {
    XINGLIN_TRY(const std::string text, text_of(*edition));
    json::Arena arena;
    XINGLIN_TRY(const json::Value resource, json::parse(text, arena, limits));
    std::vector<json::Value> supplements;
    Now catalogue;
    {
        const std::shared_lock lock(catalogue_lock_);
        catalogue = catalogue_;
    }
    for (const Here& supplement : supplements_of(*catalogue, *edition)) {
        XINGLIN_TRY(const std::string words, text_of(*supplement));
        XINGLIN_TRY(const json::Value read, json::parse(arena.keep(words), arena, limits));
        supplements.push_back(read);
    }
    if (edition->csv.empty()) return read_concepts(resource, supplements);
    const auto table = files_.read(edition->csv);
    if (!table) return refuse(IssueCode::not_found, "", "the table is not there");
    return read_table(*table, resource, supplements);
}

/// Those in use that name the system, and its version if any.
std::vector<Here> Library::supplements_of(const Catalogue& catalogue, const Edition& edition) const {
    std::vector<Here> found;
    if (edition.kind != Kind::system || !edition.supplements.empty()) return found;
    for (const Here& one : catalogue.supplements) {
        const Canonical named(one->supplements);
        const bool meant = named.url == edition.url ||
                           std::find(edition.aliases.begin(), edition.aliases.end(), named.url) != edition.aliases.end();
        if (meant && one->status != "retired" && (named.version.empty() || named.version == edition.version))
            found.push_back(one);
    }
    return found;
}

Result<json::Value> Library::resource(const Edition& edition, json::Arena& arena) {
    std::string text;
    {
        const std::lock_guard loading(loading_);
        XINGLIN_TRY(text, text_of(edition));
    }
    return json::parse(text, arena, limits);
}

std::size_t Library::bytes() const {
    const std::shared_lock lock(loaded_lock_);
    std::size_t bytes = 0;
    for (const auto& [edition, entry] : loaded_) bytes += entry.second->bytes();
    return bytes;
}

}  // namespace xinglin::terminology
