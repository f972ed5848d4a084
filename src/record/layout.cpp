// SPDX-License-Identifier: Apache-2.0
// The record's schema.
#include "record/layout.h"

#include <algorithm>

#include "feed/feed.h"
#include "record/body.h"
#include "record/owners.h"
#include "record/postings.h"

#include "record/setting.h"

namespace xinglin::record {

namespace {
constexpr sql::Migration migrations[] = {
    {1, R"sql(
        CREATE TABLE record_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE record_type (
            tid             INTEGER PRIMARY KEY,
            name            TEXT NOT NULL UNIQUE,        -- "Patient"
            count           INTEGER NOT NULL DEFAULT 0,  -- resources not deleted
            last_updated_ms INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE record_parameter (
            pid  INTEGER PRIMARY KEY,
            type TEXT NOT NULL,  -- "Patient"
            code TEXT NOT NULL,  -- "birthdate"
            UNIQUE (type, code)
        );
        CREATE TABLE record_name (      -- logical ids, given at first mention
            id  BLOB NOT NULL,          -- 16 bytes of a UUID, or text
            tid INTEGER NOT NULL,
            rid INTEGER NOT NULL,
            PRIMARY KEY (id, tid)
        ) WITHOUT ROWID;
        CREATE TABLE record_current (
            /*pg p     BIGINT NOT NULL,*/     -- rid >> 20, by which a distributed database is cut
            rid        INTEGER /*lite*/ PRIMARY KEY /*pg NOT NULL*/,
            tid        INTEGER NOT NULL,
            version    INTEGER NOT NULL,
            position   INTEGER NOT NULL,  -- feed_change.position
            updated_ms INTEGER NOT NULL,
            flags      INTEGER NOT NULL,  -- 1 deleted, 2 came by create, see layout.h
            present    INTEGER NOT NULL,  -- bit per search parameter of the type that has a value
            splice     INTEGER NOT NULL,  -- where meta goes, see body.h
            body       BLOB               -- compressed JSON; of a deleted resource its id
            /*pg , PRIMARY KEY (p, rid)*/
        );
        /*pg ALTER TABLE record_current ALTER COLUMN body SET STORAGE EXTERNAL;*/
        CREATE TABLE record_past (        -- versions that are not the newest
            /*pg p     BIGINT NOT NULL,*/
            rid        INTEGER NOT NULL,
            version    INTEGER NOT NULL,
            position   INTEGER NOT NULL,
            updated_ms INTEGER NOT NULL,
            flags      INTEGER NOT NULL,
            splice     INTEGER NOT NULL,
            body       BLOB,
            PRIMARY KEY (/*pg p,*/ rid, version)
        ) WITHOUT ROWID;
        /*pg ALTER TABLE record_past ALTER COLUMN body SET STORAGE EXTERNAL;*/
        CREATE TABLE record_term (        -- every token, string, uri and unit that was ever seen, once per parameter
            space INTEGER NOT NULL,       -- parameter and kind, see layout.h
            norm  /*lite*/ TEXT /*pg BYTEA*/ NOT NULL,   -- code, folded string, uri
            extra /*lite*/ TEXT /*pg BYTEA*/ NOT NULL,   -- system; of a string its spelling where folding changed it
            term  INTEGER NOT NULL
            /*lite*/ , PRIMARY KEY (space, norm, extra) /*pg*/
        ) WITHOUT ROWID;
        -- An index of PostgreSQL holds no more than 2,700 bytes a row, a string may be longer.
        /*pg CREATE INDEX record_term_norm ON record_term (space, substr(norm, 1, 480), term);*/
        CREATE TABLE record_term_text (   -- displays of codes, for :text
            space INTEGER NOT NULL,
            text  /*lite*/ TEXT /*pg BYTEA*/ NOT NULL,   -- folded
            term  INTEGER NOT NULL
            /*lite*/ , PRIMARY KEY (space, text, term) /*pg*/
        ) WITHOUT ROWID;
        /*pg CREATE UNIQUE INDEX record_term_text_once ON record_term_text (space, term, md5(text));*/
        CREATE TABLE record_posting (     -- term 0 - tid: all resources of a type
            term INTEGER NOT NULL,
            rid  INTEGER NOT NULL,
            /*pg p BIGINT NOT NULL,*/
            PRIMARY KEY (term, rid /*pg , p*/)
        ) WITHOUT ROWID;
        CREATE TABLE record_reference (
            target INTEGER NOT NULL,      -- rid
            pid    INTEGER NOT NULL,
            rid    INTEGER NOT NULL,
            /*pg p BIGINT NOT NULL,*/
            PRIMARY KEY (target, pid, rid /*pg , p*/)
        ) WITHOUT ROWID;
        CREATE TABLE record_date (
            key  INTEGER NOT NULL,        -- pid * 2, + 1 when longer than a day
            low  INTEGER NOT NULL,        -- ms since 1970
            span INTEGER NOT NULL,        -- packed length, see layout.h
            rid  INTEGER NOT NULL,
            /*pg p BIGINT NOT NULL,*/
            PRIMARY KEY (key, low, span, rid /*pg , p*/)
        ) WITHOUT ROWID;
        CREATE TABLE record_number (      -- numbers and quantities
            pid  INTEGER NOT NULL,        -- negative for intervals
            low  REAL NOT NULL,
            high REAL NOT NULL,
            unit INTEGER NOT NULL,        -- term of the unit, 0 for none
            rid  INTEGER NOT NULL,
            /*pg p BIGINT NOT NULL,*/
            PRIMARY KEY (pid, low, high, unit, rid /*pg , p*/)
        ) WITHOUT ROWID;
        CREATE TABLE record_dictionary (  -- compression dictionaries, referred to by the frames themselves
            number INTEGER PRIMARY KEY,
            tid    INTEGER NOT NULL,
            bytes  BLOB NOT NULL
        );
    )sql"},
    {2, R"sql(
        CREATE TABLE record_block (       -- postings of a common term, packed: see block.h
            term  INTEGER NOT NULL,
            first INTEGER NOT NULL,       -- at or below the key of its first word
            count INTEGER NOT NULL,       -- members
            bytes BLOB NOT NULL,
            PRIMARY KEY (term, first)
        ) WITHOUT ROWID;
        CREATE TABLE record_term_count (
            term   INTEGER NOT NULL,
            folded INTEGER NOT NULL,      -- members of its blocks; the rest are rows of record_posting
            PRIMARY KEY (term)
        ) WITHOUT ROWID;
    )sql"},
    {3, R"sql(
        /*lite*/
        CREATE TABLE record_fresh (       -- rows of record_date, record_number and record_name not settled yet: see fresh.h
            number INTEGER PRIMARY KEY,
            bytes  BLOB NOT NULL
        );
        /*pg*/
    )sql"},
    {4, R"sql(
        CREATE TABLE record_owner (       -- whose a resource is, where its place does not say it: see owners.h
            number INTEGER PRIMARY KEY,
            rid    INTEGER NOT NULL,
            owners TEXT NOT NULL          -- ordinals of patients, space separated; "" for nobody
        );
        CREATE INDEX record_owner_rid ON record_owner (rid, number);
    )sql"},
};

/// A store from before there were blocks.
bool is_unfolded(sql::Connection& connection) {
    auto& query =
        connection.prepare("SELECT 1 FROM record_type WHERE count >= 512 AND NOT EXISTS (SELECT 1 FROM record_block) LIMIT 1");
    const bool unfolded = query.step();
    query.reset();
    return unfolded;
}

/// A store from before there were lines of owners; asked once.
bool is_without_owners(sql::Connection& connection) {
    if (setting(connection, "owners")) return false;
    set_setting(connection, "owners", "stated");
    auto& query = connection.prepare("SELECT 1 FROM record_current LIMIT 1");
    const bool holds_something = query.step();
    query.reset();
    return holds_something;
}

void add_missing_types(sql::Connection& connection) {
    for (const fhir::Type* type : fhir::resources())
        connection.prepare("INSERT INTO record_type (name) VALUES (?) ON CONFLICT DO NOTHING").bind(1, type->name).run();
}

void add_missing_parameters(sql::Connection& connection) {
    for (const search::Parameter* parameter : search::all_parameters())
        connection.prepare("INSERT INTO record_parameter (type, code) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(1, parameter->resource->name)
            .bind(2, parameter->code)
            .run();
}

void add_owner_pids(Numbers& numbers) {
    constexpr std::string_view also[] = {"patient", "subject", "for",
                                         "beneficiary"};  // of types in no compartment: Task, Device …
    const auto add = [&](const search::Parameter* parameter) {
        if (!parameter || parameter->type != search::ParamType::reference) return;
        numbers.owner_pids.insert(numbers.pid(*parameter));
        for (const search::Parameter* included : parameter->includes) numbers.owner_pids.insert(numbers.pid(*included));
    };
    for (const fhir::Type* type : fhir::resources()) {
        if (type->name == "Patient") continue;  // is its own, whomever it links to
        for (const std::string_view code : fhir::compartment_parameters("Patient", type->name))
            add(search::find_parameter(*type, code));
        for (const std::string_view code : also) add(search::find_parameter(*type, code));
    }
}

Numbers load(sql::Connection& connection) {
    Numbers numbers;
    auto& types = connection.prepare("SELECT tid, name FROM record_type");
    while (types.step()) {
        const fhir::Type* type = fhir::find_resource(types.text(1));
        if (!type) continue;
        numbers.of_type[type] = types.integer(0);
        numbers.type_of[types.integer(0)] = type;
    }
    numbers.of_parameter.assign(search::all_parameters().size(), 0);
    auto& parameters = connection.prepare("SELECT pid, type, code FROM record_parameter");
    while (parameters.step()) {
        const fhir::Type* type = fhir::find_resource(parameters.text(1));
        const search::Parameter* parameter = type ? search::find_parameter(*type, parameters.text(2)) : nullptr;
        if (parameter) numbers.of_parameter[parameter->index] = parameters.integer(0);
    }
    add_owner_pids(numbers);
    return numbers;
}

bool complete(const Numbers& numbers) {
    return numbers.of_type.size() == fhir::resources().size() &&
           std::find(numbers.of_parameter.begin(), numbers.of_parameter.end(), 0) == numbers.of_parameter.end();
}
}  // namespace

Numbers prepare_tables(sql::Connection& connection, const std::shared_ptr<sql::Values>& values) {
    sql::migrate(connection, "record", migrations);
    // In one transaction: another process may be completing them at this moment.
    return sql::transaction(connection, [&] {
        if (is_unfolded(connection)) Postings(connection).fold_all();
        Numbers numbers = load(connection);
        const auto sealed = setting(connection, "catalogue");
        if (sealed && *sealed != catalogue_seal(connection))
            throw sql::Broken(sql::Broken::Why::corrupt, "record_type or record_parameter does not fit its check sum");
        if (is_without_owners(connection)) find_owners(connection, numbers);
        if (sealed && complete(numbers)) return numbers;
        add_missing_types(connection);
        add_missing_parameters(connection);
        seal_dictionaries(connection, values);
        set_setting(connection, "catalogue", catalogue_seal(connection));
        return load(connection);
    });
}

Numbers read_numbers(sql::Connection& connection) { return load(connection); }

namespace {
/// Statements by the name of their table or index, without comments and white space.
std::map<std::string, std::string> statements_of(sql::Connection& connection) {
    std::map<std::string, std::string> statements;
    auto& query = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
    while (query.step()) {
        std::string& kept = statements[std::string(query.text(0))];
        std::string_view rest = query.text(1);
        while (!rest.empty()) {
            const std::string_view end = rest.starts_with("--") ? "\n" : rest.starts_with("/*") ? "*/" : "";
            if (end.empty()) {
                if (rest[0] != ' ' && rest[0] != '\n') kept += rest[0];
                rest.remove_prefix(1);
            } else {
                const std::size_t at = rest.find(end, 2);
                rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + end.size());
            }
        }
    }
    return statements;
}
}  // namespace

std::vector<std::string> schema_problems(sql::Connection& connection) {
    if (connection.engine() != sql::Engine::sqlite) return {};
    const auto fresh = sql::open_sqlite(":memory:");
    feed::prepare(*fresh);
    sql::migrate(*fresh, "record", migrations);
    const auto there = statements_of(connection);
    std::vector<std::string> problems;
    for (const auto& [name, statement] : statements_of(*fresh)) {
        const auto found = there.find(name);
        if (found == there.end() || found->second != statement)
            problems.push_back("the statement that made " + name + " is not as it was; its rows may be read wrongly");
    }
    return problems;
}

std::string catalogue_seal(sql::Connection& connection) {
    std::string text;
    auto& types = connection.prepare("SELECT tid, name FROM record_type ORDER BY tid");
    while (types.step()) text += std::to_string(types.integer(0)) + " " + std::string(types.text(1)) + "\n";
    auto& parameters = connection.prepare("SELECT pid, type, code FROM record_parameter ORDER BY pid");
    while (parameters.step())
        text += std::to_string(parameters.integer(0)) + " " + std::string(parameters.text(1)) + " " +
                std::string(parameters.text(2)) + "\n";
    return seal_of(text);
}

std::string seal_of_dictionary(std::int64_t tid, std::string_view bytes) {
    return seal_of(std::to_string(tid) + " " + std::string(bytes));
}

std::string dictionary_seal(sql::Connection& connection, std::int64_t number) {
    return setting(connection, "dictionary " + std::to_string(number)).value_or("");
}

void seal_dictionaries(sql::Connection& connection, const std::shared_ptr<sql::Values>& values) {
    std::vector<std::pair<std::int64_t, std::string>> seals;
    auto& query = connection.prepare("SELECT number, tid, bytes FROM record_dictionary ORDER BY number");
    while (query.step())
        seals.emplace_back(
            query.integer(0),
            seal_of_dictionary(query.integer(1), sql::opened(values, about_dictionary(query.integer(1)), query.text(2))));
    for (const auto& [number, seal] : seals) {
        if (dictionary_seal(connection, number).empty()) set_setting(connection, "dictionary " + std::to_string(number), seal);
    }
}

std::string id_key(std::string_view id) {
    // A lower-case UUID, 8-4-4-4-12, takes half the bytes. Its 16 never meet a text key: a 16-character id gets a
    // trailing zero byte.
    const auto nibble = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    if (id.size() == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-') {
        std::string key(16, '\0');
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < 36;) {
            if (i == 8 || i == 13 || i == 18 || i == 23) ++i;
            const int high = nibble(id[i]), low = nibble(id[i + 1]);
            if (high < 0 || low < 0) return std::string(id);
            key[bytes++] = static_cast<char>(high << 4 | low);
            i += 2;
        }
        return key;
    }
    std::string key(id);
    if (key.size() == 16) key += '\0';
    return key;
}

std::string id_of_key(std::string_view key) {
    if (key.size() == 17 && key.back() == '\0') return std::string(key.substr(0, 16));
    if (key.size() != 16) return std::string(key);
    std::string id;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
        id += fmt::format("{:02x}", static_cast<unsigned char>(key[i]));
    }
    return id;
}

void Rows::sort_unique() {
    const auto tidy = [](auto& rows) {
        std::sort(rows.begin(), rows.end());
        rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    };
    tidy(postings);
    tidy(references);
    tidy(dates);
    tidy(numbers);
}

void Rows::clear() {
    postings.clear();
    references.clear();
    dates.clear();
    numbers.clear();
}

}  // namespace xinglin::record
