// SPDX-License-Identifier: Apache-2.0
// Values of a PostgreSQL database that is encrypted at rest: whole resources and messages, sealed one by one before they are bound.
//
// The database keeps its own list of data keys (table sql_key_list, as data-keys.json: wrapped under a key-encrypting key that is
// elsewhere), so that every process that works on it has the same. docs/decisions/0049.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keys/list.h"
#include "sql/sql.h"

namespace xinglin::sql {

/// Seals and opens. Safe from many threads.
class Values {
public:
    Values(std::string place, std::vector<std::string> key_places, std::string text, keys::OpenedList list);
    /// `about` says which row of which table it is: opened with another, it is refused.
    std::string seal(std::string_view about, std::string_view text);
    /// Throws Broken (corrupt) when any bit of it is another, or it belongs elsewhere.
    std::string open(std::string_view about, std::string_view sealed);
    /// Takes another process's rotation. In each write transaction before anything is sealed: what is written after a rotation is
    /// sealed with the new key, so that the former one can be forgotten.
    void refresh(Connection& connection);
    std::shared_ptr<const keys::Ring> ring() const;
    bool is_in_token() const;

private:
    void take(const std::string& text);
    void look();
    const std::string place_;
    const std::vector<std::string> key_places_;
    const std::uint64_t number_;  // of this object, for openers kept by threads
    mutable std::mutex mutex_;    // guards the rest
    std::string text_, refused_, refusal_;
    std::shared_ptr<const keys::Ring> ring_;
    keys::ListKey with_;
    std::uint32_t sealing_with_ = 0;
    std::string writer_;
    std::uint64_t count_ = 0;
    std::unique_ptr<keys::Sealer> sealer_;
};

/// Of a database, with the keys this process was given (give_key_places); nothing for an SQLite file or when it is not encrypted.
/// Throws Broken without the right key.
std::shared_ptr<Values> values_of(const std::string& place);
/// As they are when nothing is sealed.
inline std::string sealed(const std::shared_ptr<Values>& values, std::string_view about, std::string_view text) {
    return values ? values->seal(about, text) : std::string(text);
}
inline std::string opened(const std::shared_ptr<Values>& values, std::string_view about, std::string_view text) {
    return values ? values->open(about, text) : std::string(text);
}

/// A column of sealed values: the rows whose values are sealed, and the columns that stand in `about` after its name.
struct SealedColumn {
    std::string_view lane, table, column, about;
    std::vector<std::string_view> numbers;
    std::string_view where = "true";
};
std::string about_of(std::string_view name, std::span<const std::int64_t> numbers);

/// Does the database keep a list of data keys?
bool has_values(const std::string& place);
/// Has it no tables yet?
bool is_fresh(const std::string& place);
/// Encrypts a database: makes its list, and seals the columns that are there already. Nobody else may work on it: what runs
/// without the key would write plain values. All or nothing. False when it is encrypted already.
Result<bool> seal_database(const std::string& place, keys::Cipher cipher, const std::string& date,
                           std::span<const SealedColumn> columns);
/// The list under another key-encrypting key.
Result<Done> rewrap_database(const std::string& place, const std::string& key_place);
/// A further data key: its number.
Result<std::uint32_t> rotate_database(const std::string& place, const std::string& date);
/// Seals anew what has another than the active key, in short transactions beside others, and forgets the former keys.
Result<Done> reseal_database(const std::string& place, std::span<const SealedColumn> columns,
                             const std::function<void(std::string_view table, std::uint64_t done)>& progress = {});
/// How many values of a column are under which key.
std::map<std::uint32_t, std::uint64_t> values_by_key(const std::string& place, const SealedColumn& column);

}  // namespace xinglin::sql
