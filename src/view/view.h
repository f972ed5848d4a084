// SPDX-License-Identifier: Apache-2.0
// SQL on FHIR v2: a ViewDefinition compiled once, then run over resources: one resource in, rows out.
//
// Source: SQL on FHIR v2 (2.1), ViewDefinition: structure, constraints and processing model. What the specification
// leaves open is decided in README.md. Tables kept up with the feed stand in tables.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/fhir.h"
#include "json/json.h"
#include "outcome/outcome.h"

namespace xinglin::view {

struct Column {
    std::string name;
    std::string type;  // FHIR type: as declared, else as the path tells, else "string"
    std::string description;
    bool collection = false;
    std::vector<std::pair<std::string, std::string>> tags;
    std::string where;  // "select[0].column[2]"
};

/// One value of a row. Texts and JSON are borrowed: valid during the call of the sink.
struct Cell {
    enum class Kind : std::uint8_t { null, boolean, number, text, json };
    Kind kind = Kind::null;
    bool boolean = false;
    std::string_view text;  // of a text; of a number its digits
    json::Value json;       // an object, or the array of a collection
};
using Row = std::span<const Cell>;
using Sink = std::function<void(Row row)>;

/// What bounds a definition, and the work one resource may cause.
struct Limits {
    std::size_t depth = 32;  // of selects within selects
    std::size_t columns = 1'000;
    std::size_t selects = 1'000;
    std::size_t rows = 100'000;      // of one resource
    std::size_t visits = 1'000'000;  // elements that forEach and repeat go through, for one resource
};

/// What views need from outside. All may be empty.
struct Environment {
    /// memberOf(value set): nothing when unknown.
    std::function<std::optional<bool>(std::string_view value_set, std::string_view system, std::string_view code)> member_of;
    /// %person: key of the person a Patient belongs to, given that Patient's key ("Patient/1"). Empty: the key itself.
    /// The seam for `identity`, which knows when two Patients are one person.
    std::function<std::string(std::string_view patient_key)> person;
    std::int64_t now_ms = 0;  // 0: the machine's clock
};

/// A compiled view. Immutable, cheap to copy, safe from many threads.
class Definition {
public:
    /// Refuses with `where` = the place in the definition ("select[0].column[2].path"); collects up to 20 issues.
    static Result<Definition> compile(json::Value view, const Limits& limits = {});
    static Result<Definition> compile(std::string_view text, const Limits& limits = {});

    const std::string& name() const;
    const std::string& title() const;
    const std::string& description() const;
    const fhir::Type& resource() const;
    /// In the order of the rows.
    std::span<const Column> columns() const;
    /// The definition as given, compact JSON.
    const std::string& text() const;
    /// False when a resource of sound JSON with this text gives no rows: `where` asks for a code that is not in it. So most
    /// resources need not be parsed for a view of few.
    bool may_have_rows(std::string_view resource) const;

    struct Inside;
    const Inside& inside() const { return *inside_; }

private:
    explicit Definition(std::shared_ptr<const Inside> inside) : inside_(std::move(inside)) {}
    std::shared_ptr<const Inside> inside_;  // shared: runners outlive a definition that was replaced
};

/// Runs a definition. For one thread; keeps its memory from resource to resource.
class Runner {
public:
    explicit Runner(Definition definition, Environment environment = {});
    Runner(Runner&&) noexcept;
    ~Runner();

    /// Gives the rows of one resource to `sink`, none when it is of another type. When it refuses (a path that fails on
    /// this resource, several values for a column that is no collection), rows may have been given already.
    Result<Done> run(json::Value resource, const Sink& sink);
    const Definition& definition() const;

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

/// Key of the Patient a resource is about, as getReferenceKey(Patient) gives it; "" when it does not say.
std::string patient_key(json::Value resource);

/// A value as JSON holds it.
Cell cell_of(json::Value value);
/// Appends {"name":value,…} / ["value",…] as compact JSON, or a line of RFC 4180 CSV with its line end.
void write_object(std::span<const Column> columns, Row row, std::string& out);
void write_array(Row row, std::string& out);
void write_csv(Row row, std::string& out);
void write_csv_header(std::span<const Column> columns, std::string& out);

}  // namespace xinglin::view
