// SPDX-License-Identifier: Apache-2.0
// oauth.db: clients, what people gave them, tokens, letters seen once, public halves of our keys.
#include "oauth/tables.h"

#include "text/text.h"

namespace xinglin::oauth {

namespace {

constexpr sql::Migration migrations[] = {{1, R"sql(
    CREATE TABLE oauth_client (
        name TEXT PRIMARY KEY,          -- its client_id
        is_public INTEGER NOT NULL,     -- 0 keeps a secret, 1 does not
        grants TEXT NOT NULL,           -- separated by spaces
        redirects TEXT NOT NULL,        -- one a line
        scope TEXT NOT NULL,            -- the most it may get
        jwks TEXT NOT NULL,             -- its public keys, '' for none
        jwks_url TEXT NOT NULL,         -- where they are, '' for none
        certificate BLOB,               -- SHA-256 of the certificate it shows; NULL for none
        id_token_algorithm TEXT NOT NULL,
        created_ms INTEGER NOT NULL     -- milliseconds since 1970, UTC; so below
    );
    CREATE TABLE oauth_family (
        id TEXT PRIMARY KEY,
        client TEXT NOT NULL,           -- oauth_client.name
        account TEXT NOT NULL,          -- name of the person; '' for a system on its own behalf
        scope TEXT NOT NULL,
        patient TEXT NOT NULL,          -- id of the Patient in context; '' for none
        nonce TEXT NOT NULL,            -- of the first request, for id tokens
        offline INTEGER NOT NULL,       -- 1: outlives the session it was given in
        created_ms INTEGER NOT NULL,
        ends_ms INTEGER NOT NULL,
        revoked_ms INTEGER              -- NULL while it holds
    );
    CREATE INDEX oauth_family_account ON oauth_family (account, ends_ms);
    CREATE INDEX oauth_family_client ON oauth_family (client);
    CREATE TABLE oauth_code (
        code_sha256 BLOB PRIMARY KEY,
        family TEXT NOT NULL,           -- oauth_family.id
        redirect TEXT NOT NULL,
        challenge TEXT NOT NULL,        -- S256 of the verifier, base64url
        expires_ms INTEGER NOT NULL,
        used_ms INTEGER                 -- NULL while unused
    );
    CREATE TABLE oauth_token (
        token_sha256 BLOB PRIMARY KEY,
        family TEXT NOT NULL,           -- oauth_family.id
        is_refresh INTEGER NOT NULL,
        scope TEXT NOT NULL,
        certificate BLOB,               -- SHA-256 of the certificate it is bound to; NULL for none
        issued_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        used_ms INTEGER                 -- of a refresh token that was exchanged; NULL while unused
    );
    CREATE INDEX oauth_token_family ON oauth_token (family);
    CREATE TABLE oauth_letter (
        client TEXT NOT NULL,
        letter_sha256 BLOB NOT NULL,    -- of the jti of an assertion
        ends_ms INTEGER NOT NULL,       -- when the assertion is over, and this row with it
        PRIMARY KEY (client, letter_sha256)
    );
    CREATE TABLE oauth_key (
        kid TEXT PRIMARY KEY,
        algorithm TEXT NOT NULL,
        jwk TEXT NOT NULL,              -- the public half
        from_ms INTEGER NOT NULL,       -- signs from
        until_ms INTEGER NOT NULL,      -- signs until
        ends_ms INTEGER NOT NULL        -- published until
    );
)sql"}};

constexpr std::string_view family_columns =
    "f.id, f.client, f.account, f.scope, f.patient, f.nonce, f.offline, f.created_ms, f.ends_ms, f.revoked_ms";

FamilyRow read_family(const sql::Statement& row, int at) {
    FamilyRow family;
    family.id = row.text(at);
    family.client = row.text(at + 1);
    family.account = row.text(at + 2);
    family.scope = row.text(at + 3);
    family.patient = row.text(at + 4);
    family.nonce = row.text(at + 5);
    family.offline = row.integer(at + 6) != 0;
    family.created_ms = row.integer(at + 7);
    family.ends_ms = row.integer(at + 8);
    family.revoked = !row.is_null(at + 9);
    return family;
}

std::vector<std::string> list_of(std::string_view text, char separator) {
    std::vector<std::string> all;
    for (const std::string_view each : text::split(text, separator)) {
        if (!each.empty()) all.emplace_back(each);
    }
    return all;
}

std::string text_of(const std::vector<std::string>& list, char separator) {
    std::string out;
    for (const std::string& each : list) out += (out.empty() ? "" : std::string(1, separator)) + each;
    return out;
}

void bind_optional(sql::Statement& statement, int index, std::string_view bytes) {
    if (bytes.empty()) statement.bind_null(index);
    else statement.bind_blob(index, bytes);
}

#define XINGLIN_CLIENT_COLUMNS \
    "name, is_public, grants, redirects, scope, jwks, jwks_url, certificate, id_token_algorithm, created_ms"

Client read_client(const sql::Statement& row) {
    Client client;
    client.name = row.text(0);
    client.is_public = row.integer(1) != 0;
    client.grants = list_of(row.text(2), ' ');
    client.redirects = list_of(row.text(3), '\n');
    client.scope = row.text(4);
    client.jwks = row.text(5);
    client.jwks_url = row.text(6);
    if (!row.is_null(7)) client.certificate = row.text(7);
    client.id_token_algorithm = row.text(8);
    client.created_ms = row.integer(9);
    return client;
}

}  // namespace

Tables::Tables(const std::string& place) : connection_(sql::open(place, {.cache_bytes = 1 << 20, .lane = "oauth"})) {
    sql::migrate(*connection_, "oauth", migrations);
}

void Tables::insert(const Client& client) {
    sql::Statement& insert =
        connection_->prepare("INSERT INTO oauth_client (" XINGLIN_CLIENT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const std::string grants = text_of(client.grants, ' '), redirects = text_of(client.redirects, '\n');
    insert.bind(1, client.name).bind(2, std::int64_t{client.is_public}).bind(3, grants).bind(4, redirects).bind(5, client.scope);
    insert.bind(6, client.jwks).bind(7, client.jwks_url);
    bind_optional(insert, 8, client.certificate);
    insert.bind(9, client.id_token_algorithm).bind(10, client.created_ms).run();
}

bool Tables::erase_client(std::string_view name) {
    for (const std::string_view statement :
         {"DELETE FROM oauth_token WHERE family IN (SELECT id FROM oauth_family WHERE client = ?)",
          "DELETE FROM oauth_code WHERE family IN (SELECT id FROM oauth_family WHERE client = ?)",
          "DELETE FROM oauth_family WHERE client = ?", "DELETE FROM oauth_client WHERE name = ?"})
        connection_->prepare(statement).bind(1, name).run();
    return connection_->changes() > 0;
}

std::optional<Client> Tables::client(std::string_view name) {
    sql::Statement& query =
        connection_->prepare("SELECT " XINGLIN_CLIENT_COLUMNS " FROM oauth_client WHERE name = ?").bind(1, name);
    if (!query.step()) return std::nullopt;
    Client client = read_client(query);
    query.reset();
    return client;
}

std::vector<Client> Tables::clients() {
    std::vector<Client> all;
    sql::Statement& query = connection_->prepare("SELECT " XINGLIN_CLIENT_COLUMNS " FROM oauth_client ORDER BY name");
    while (query.step()) all.push_back(read_client(query));
    return all;
}

void Tables::insert(const FamilyRow& family) {
    connection_
        ->prepare(
            "INSERT INTO oauth_family (id, client, account, scope, patient, nonce, offline, created_ms, ends_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(1, family.id)
        .bind(2, family.client)
        .bind(3, family.account)
        .bind(4, family.scope)
        .bind(5, family.patient)
        .bind(6, family.nonce)
        .bind(7, std::int64_t{family.offline})
        .bind(8, family.created_ms)
        .bind(9, family.ends_ms)
        .run();
}

bool Tables::revoke_family(std::string_view id, std::int64_t now_ms) {
    connection_->prepare("UPDATE oauth_family SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL")
        .bind(1, now_ms)
        .bind(2, id)
        .run();
    return connection_->changes() > 0;
}

void Tables::revoke_online(std::string_view account, std::int64_t now_ms) {
    connection_->prepare("UPDATE oauth_family SET revoked_ms = ? WHERE account = ? AND offline = 0 AND revoked_ms IS NULL")
        .bind(1, now_ms)
        .bind(2, account)
        .run();
}

std::vector<FamilyRow> Tables::families(std::string_view account, std::int64_t now_ms) {
    std::vector<FamilyRow> all;
    sql::Statement& query = connection_->prepare("SELECT " + std::string(family_columns) +
                                                 " FROM oauth_family f WHERE f.account = ? AND f.ends_ms > ?"
                                                 " AND f.revoked_ms IS NULL ORDER BY f.created_ms DESC LIMIT 200");
    query.bind(1, account).bind(2, now_ms);
    while (query.step()) all.push_back(read_family(query, 0));
    return all;
}

void Tables::insert_code(std::string_view code_sha256, const CodeRow& code) {
    connection_->prepare("INSERT INTO oauth_code (code_sha256, family, redirect, challenge, expires_ms) VALUES (?, ?, ?, ?, ?)")
        .bind_blob(1, code_sha256)
        .bind(2, code.family)
        .bind(3, code.redirect)
        .bind(4, code.challenge)
        .bind(5, code.expires_ms)
        .run();
}

std::optional<std::pair<CodeRow, FamilyRow>> Tables::code(std::string_view code_sha256) {
    sql::Statement& query =
        connection_->prepare("SELECT c.family, c.redirect, c.challenge, c.expires_ms, c.used_ms, " + std::string(family_columns) +
                             " FROM oauth_code c JOIN oauth_family f ON f.id = c.family WHERE c.code_sha256 = ?");
    query.bind_blob(1, code_sha256);
    if (!query.step()) return std::nullopt;
    CodeRow code;
    code.family = query.text(0);
    code.redirect = query.text(1);
    code.challenge = query.text(2);
    code.expires_ms = query.integer(3);
    code.used = !query.is_null(4);
    FamilyRow family = read_family(query, 5);
    query.reset();
    return std::pair(std::move(code), std::move(family));
}

bool Tables::use_code(std::string_view code_sha256, std::int64_t now_ms) {
    connection_->prepare("UPDATE oauth_code SET used_ms = ? WHERE code_sha256 = ? AND used_ms IS NULL")
        .bind(1, now_ms)
        .bind_blob(2, code_sha256)
        .run();
    return connection_->changes() > 0;
}

void Tables::insert_token(std::string_view token_sha256, const TokenRow& token) {
    sql::Statement& insert = connection_->prepare(
        "INSERT INTO oauth_token (token_sha256, family, is_refresh, scope, certificate, issued_ms, expires_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");
    insert.bind_blob(1, token_sha256).bind(2, token.family.id).bind(3, std::int64_t{token.is_refresh}).bind(4, token.scope);
    bind_optional(insert, 5, token.certificate);
    insert.bind(6, token.issued_ms).bind(7, token.expires_ms).run();
}

std::optional<TokenRow> Tables::token(std::string_view token_sha256) {
    sql::Statement& query = connection_->prepare(
        "SELECT t.is_refresh, t.scope, t.certificate, t.issued_ms, t.expires_ms, t.used_ms, " + std::string(family_columns) +
        " FROM oauth_token t JOIN oauth_family f ON f.id = t.family WHERE t.token_sha256 = ?");
    query.bind_blob(1, token_sha256);
    if (!query.step()) return std::nullopt;
    TokenRow token;
    token.is_refresh = query.integer(0) != 0;
    token.scope = query.text(1);
    if (!query.is_null(2)) token.certificate = query.text(2);
    token.issued_ms = query.integer(3);
    token.expires_ms = query.integer(4);
    token.used = !query.is_null(5);
    token.family = read_family(query, 6);
    query.reset();
    return token;
}

bool Tables::use_token(std::string_view token_sha256, std::int64_t now_ms) {
    connection_->prepare("UPDATE oauth_token SET used_ms = ? WHERE token_sha256 = ? AND used_ms IS NULL")
        .bind(1, now_ms)
        .bind_blob(2, token_sha256)
        .run();
    return connection_->changes() > 0;
}

void Tables::erase_token(std::string_view token_sha256) {
    connection_->prepare("DELETE FROM oauth_token WHERE token_sha256 = ?").bind_blob(1, token_sha256).run();
}

bool Tables::note_letter(std::string_view client, std::string_view letter_sha256, std::int64_t ends_ms) {
    connection_->prepare("INSERT INTO oauth_letter (client, letter_sha256, ends_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(1, client)
        .bind_blob(2, letter_sha256)
        .bind(3, ends_ms)
        .run();
    return connection_->changes() > 0;
}

void Tables::insert(const KeyRow& key) {
    connection_->prepare("INSERT INTO oauth_key (kid, algorithm, jwk, from_ms, until_ms, ends_ms) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(1, key.kid)
        .bind(2, text(key.algorithm))
        .bind(3, key.jwk)
        .bind(4, key.from_ms)
        .bind(5, key.until_ms)
        .bind(6, key.ends_ms)
        .run();
}

std::vector<KeyRow> Tables::keys(std::int64_t now_ms) {
    std::vector<KeyRow> all;
    sql::Statement& query = connection_->prepare(
        "SELECT kid, algorithm, jwk, from_ms, until_ms, ends_ms FROM oauth_key WHERE ends_ms > ? ORDER BY from_ms, kid");
    query.bind(1, now_ms);
    while (query.step()) {
        all.push_back({std::string(query.text(0)), std::string(query.text(2)),
                       parse_algorithm(query.text(1)).value_or(Algorithm::es256), query.integer(3), query.integer(4),
                       query.integer(5)});
    }
    return all;
}

void Tables::sweep(std::int64_t now_ms) {
    for (const std::string_view statement :
         {"DELETE FROM oauth_letter WHERE ends_ms < ?", "DELETE FROM oauth_token WHERE is_refresh = 0 AND expires_ms < ?",
          "DELETE FROM oauth_token WHERE family IN (SELECT id FROM oauth_family WHERE ends_ms < ?)",
          "DELETE FROM oauth_code WHERE family IN (SELECT id FROM oauth_family WHERE ends_ms < ?)",
          "DELETE FROM oauth_family WHERE ends_ms < ?", "DELETE FROM oauth_key WHERE ends_ms < ?"})
        connection_->prepare(statement).bind(1, now_ms).run();
}

}  // namespace xinglin::oauth
