// SPDX-License-Identifier: Apache-2.0
// Inside the room: every edition there is, which of them a question means, and what has been read of them so far.
//
// Nothing is read before it is asked for; what was read is kept and shared. Safe from many threads.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "calendar/calendar.h"
#include "content/content.h"
#include "terminology/edition.h"
#include "terminology/terminology.h"

namespace xinglin::terminology {

/// All editions at one moment; never changed.
struct Catalogue {
    std::vector<std::shared_ptr<const Edition>> editions;
    std::unordered_map<std::string, std::vector<std::shared_ptr<const Edition>>> systems, value_sets, maps;  // by url and alias
    std::vector<std::shared_ptr<const Edition>> supplements;                                                 // of code systems
    std::unordered_map<std::string, std::shared_ptr<const Edition>> systems_of_value_set;  // CodeSystem.valueSet → the system
    std::vector<std::string> troubles;  // content that could not be read, as sentences
    std::uint64_t generation = 0;

    const auto& of(Kind kind) const { return kind == Kind::system ? systems : kind == Kind::value_set ? value_sets : maps; }
};
using Now = std::shared_ptr<const Catalogue>;
using Here = std::shared_ptr<const Edition>;

/// "url|version" apart.
struct Canonical {
    std::string_view url, version;
    explicit Canonical(std::string_view text) : url(text.substr(0, text.find('|'))) {
        if (url.size() < text.size()) version = text.substr(url.size() + 1);
    }
};

class Library {
public:
    Library(const content::Files& files, const calendar::Clock& clock, Stored stored);

    /// The catalogue; looks for what was written since at most twenty times a second, or now when `fresh`.
    Now now(bool fresh = false);
    /// Today, in China: "2026-11-22".
    std::string today() const;

    /// The edition meant: that version, or the one in force on `date` ("" today). nullptr when there is none.
    Here find(const Catalogue& catalogue, Kind kind, std::string_view url, std::string_view version, std::string_view date) const;
    Result<std::shared_ptr<const Concepts>> concepts(const Here& edition);
    /// The resource itself (a system's without its concepts when they stand in a table), in `arena`.
    Result<json::Value> resource(const Edition& edition, json::Arena& arena);
    /// Memory of all concepts read so far.
    std::size_t bytes() const;

private:
    const content::Files& files_;
    const calendar::Clock& clock_;
    Stored stored_;
    std::mutex renewing_;  // guards the next four
    std::vector<Here> built_in_;
    bool has_built_in_ = false;
    std::vector<std::string> content_troubles_;
    std::int64_t position_ = -1;
    std::atomic<std::int64_t> looked_ms_{-1'000'000};
    mutable std::shared_mutex catalogue_lock_;  // guards catalogue_
    Now catalogue_;
    mutable std::shared_mutex loaded_lock_;  // guards loaded_
    std::unordered_map<const Edition*, std::pair<Here, std::shared_ptr<const Concepts>>> loaded_;
    std::mutex loading_;  // one at a time; guards the next two
    std::string last_file_, last_text_;

    void renew(bool fresh);
    void read_content();
    void read_lines(const std::string& file);
    std::vector<Here> read_stored(const std::vector<Here>& before);
    Now gather(const std::vector<Here>& stored);
    Result<std::string> text_of(const Edition& edition);
    Result<std::shared_ptr<const Concepts>> load(const Here& edition);
    std::vector<Here> supplements_of(const Catalogue& catalogue, const Edition& edition) const;
};

}  // namespace xinglin::terminology
