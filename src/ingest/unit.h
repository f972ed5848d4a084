// SPDX-License-Identifier: Apache-2.0
// Inside the room: a piece of an import, and what becomes of it: prepared resources and rejected entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/import.h"
#include "json/json.h"

namespace xinglin::ingest {

/// A whole document (bundle or resource), or some lines of NDJSON.
struct Unit {
    std::uint64_t number = 0;  // order of the import
    std::size_t file = 0;      // index among the files
    std::string source;        // name for the rejected entries
    std::string text;
    bool is_lines = false;
    std::uint64_t first_line = 1;
    std::string problem;  // of the file itself; `text` may then be empty
    std::uint64_t bytes_on_disk = 0;
    bool last_chance = false;  // conditional references that match nothing become logical ones
};

struct Rejected {
    std::string source;
    std::uint64_t line = 0;   // of NDJSON, from 1; 0: not a line
    std::int64_t entry = -1;  // of a bundle, from 0; -1: the whole
    std::string reason;
    std::string resource;  // as it came, as far as there is something
};

struct Product {
    std::vector<record::Prepared> prepared;
    std::vector<std::pair<const fhir::Type*, std::string>> deletions;  // of an export's `deleted` files
    std::vector<Rejected> rejected;
    std::uint64_t read = 0;
    std::uint64_t text_bytes = 0, bytes_on_disk = 0;
    bool try_again_later = false;  // refers by condition to what may yet come
    std::size_t file = 0;
};

/// Prepares units one after another; one for each thread.
class Preparer {
public:
    Preparer(record::Store& store, const ImportOptions& options) : store_(store), options_(options) {}
    Product prepare(const Unit& unit);

private:
    record::Store& store_;
    const ImportOptions& options_;

    void document(const Unit& unit, std::string_view text, std::uint64_t line, Product& product);
    void bundle(const Unit& unit, json::Value bundle, json::Arena& arena, std::uint64_t line, Product& product);
    static Result<Done> deletion(std::string_view bundle_type, std::string_view url, Product& product);
    Result<Done> resource(json::Value resource, json::Arena& arena, std::string_view id, Product& product);
};

/// One line of the rejected file.
std::string rejected_line(const Rejected& rejected);

}  // namespace xinglin::ingest
