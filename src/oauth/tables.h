// SPDX-License-Identifier: Apache-2.0
// Inside the room: the tables of oauth.db and the statements over them. Secrets arrive as SHA-256 only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oauth/oauth.h"
#include "sql/sql.h"

namespace xinglin::oauth {

/// What a person gave an app once, and everything that came of it.
struct FamilyRow {
    std::string id, client, account, scope, patient, nonce;
    bool offline = false, revoked = false;
    std::int64_t created_ms = 0, ends_ms = 0;
};
struct CodeRow {
    std::string family, redirect, challenge;
    std::int64_t expires_ms = 0;
    bool used = false;
};
struct TokenRow {
    FamilyRow family;
    std::string scope, certificate;
    std::int64_t issued_ms = 0, expires_ms = 0;
    bool is_refresh = false, used = false;
};
struct KeyRow {
    std::string kid, jwk;
    Algorithm algorithm = Algorithm::es256;
    std::int64_t from_ms = 0, until_ms = 0, ends_ms = 0;  // signs from and until; published until ends
};

class Tables {
public:
    explicit Tables(const std::string& place);
    sql::Connection& connection() { return *connection_; }

    void insert(const Client& client);
    bool erase_client(std::string_view name);  // with its families and tokens
    std::optional<Client> client(std::string_view name);
    std::vector<Client> clients();

    void insert(const FamilyRow& family);
    /// False when it was revoked already.
    bool revoke_family(std::string_view id, std::int64_t now_ms);
    void revoke_online(std::string_view account, std::int64_t now_ms);
    std::vector<FamilyRow> families(std::string_view account, std::int64_t now_ms);

    void insert_code(std::string_view code_sha256, const CodeRow& code);
    std::optional<std::pair<CodeRow, FamilyRow>> code(std::string_view code_sha256);
    bool use_code(std::string_view code_sha256, std::int64_t now_ms);  // false when somebody else was faster

    void insert_token(std::string_view token_sha256, const TokenRow& token);
    std::optional<TokenRow> token(std::string_view token_sha256);
    bool use_token(std::string_view token_sha256, std::int64_t now_ms);
    void erase_token(std::string_view token_sha256);

    /// False when this client's letter was seen before.
    bool note_letter(std::string_view client, std::string_view letter_sha256, std::int64_t ends_ms);

    void insert(const KeyRow& key);
    std::vector<KeyRow> keys(std::int64_t now_ms);
    /// Removes what is over.
    void sweep(std::int64_t now_ms);

private:
    std::unique_ptr<sql::Connection> connection_;
};

}  // namespace xinglin::oauth
