// SPDX-License-Identifier: Apache-2.0
// Plain SQL as the rooms write it, turned into PostgreSQL's. Inside the room only; what rooms may write is in README.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xinglin::sql {

/// For PostgreSQL: hints opened, `?` numbered, DDL words and scalar max/min replaced, PRAGMAs and comments dropped.
std::string to_postgres(std::string_view sql);

/// "INSERT INTO t (…) VALUES (…)", perhaps ignoring conflicts: many of these may travel as one statement.
struct BatchInsert {
    std::string head;  // INSERT INTO t (…) SELECT … with $n as r.cn
    std::string tail;  // ON CONFLICT … DO NOTHING
    std::size_t parameters = 0;
    /// `types`: names of the parameters' types.
    std::string text(const std::vector<std::string>& types) const;
};
/// Of a statement already translated; nothing when it is of another kind.
std::optional<BatchInsert> as_batch(std::string_view postgres_sql);

}  // namespace xinglin::sql
