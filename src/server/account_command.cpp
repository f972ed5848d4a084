// SPDX-License-Identifier: Apache-2.0
// `xinglin user` and `xinglin client`: they work before the first start and while a server runs.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "access/audit.h"
#include "access/second_factor.h"
#include "json/json.h"
#include "oauth/oauth.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

/// Opens the accounts of a folder and hands them to `act`.
template <typename Act>
int with_accounts(const AccountCommand& options, Act&& act) {
    if (options.store.empty()) {
        if (const auto folder = make_folder(options.data); !folder.ok()) return environment(folder.outcome());
    }
    const calendar::SystemClock clock;
    access::Accounts accounts(options.data, clock, options.store);
    return act(accounts);
}

/// Prints a secret alone on its line, so that a script can take it.
int print_secret(const Result<std::string>& secret, const AccountCommand& options, std::string_view kind) {
    if (!secret.ok()) {
        const Issue& issue = secret.outcome().issues.front();
        return complain("--" + (issue.where == "new" ? "password-file" : issue.where), issue.what, exit_refused);
    }
    if (options.json) {
        json::Arena arena;
        std::printf("%s\n",
                    json::write(arena.object({{"name", arena.string(options.name)}, {kind, arena.string(*secret)}})).c_str());
    } else {
        std::printf("%s\n", secret->c_str());
    }
    return exit_done;
}

/// Who administers by command line stands in the audit as who does it in the pages: the machine's user is all that is known.
void write_down_account(const AccountCommand& options, std::string_view what, std::string_view detail = {}) {
    access::Audit audit(options.data, options.store);
    access::Access access = access::line_of(access::Viewer::program("command line"), calendar::SystemClock().now_ms());
    access.what = what;
    access.type = "Account";
    access.detail = options.name + (detail.empty() ? "" : ": ") + std::string(detail);
    access.count = 0;
    audit.append(std::move(access));
    audit.flush();
}

int print_done(const Result<Done>& done, const AccountCommand& options, std::string_view what) {
    if (!done.ok()) return complain("--name", done.outcome().issues.front().what, exit_refused);
    if (options.json) {
        json::Arena arena;
        std::printf("%s\n",
                    json::write(arena.object({{"name", arena.string(options.name)}, {what, arena.boolean(true)}})).c_str());
    } else {
        std::printf("%s %s\n", options.name.c_str(), std::string(what).c_str());
    }
    return exit_done;
}

std::unique_ptr<oauth::Provider> tokens_of(const AccountCommand& options, access::Accounts& accounts) {
    static const calendar::SystemClock clock;
    oauth::Options chosen;
    chosen.data = options.data;
    chosen.store = options.store;
    chosen.issuer = [] { return std::string(); };
    chosen.account = [&accounts](std::string_view name) { return accounts.viewer_of(name); };
    return std::make_unique<oauth::Provider>(std::move(chosen), clock);
}

std::optional<std::string> text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string(std::istreambuf_iterator<char>(file), {});
}

/// A client that asks for tokens.
int register_client(const AccountCommand& options) {
    oauth::Client client;
    client.name = options.name;
    client.is_public = options.is_public;
    client.redirects = options.redirects;
    client.scope = options.scope;
    client.id_token_algorithm = options.id_token;
    client.grants = options.grants;
    if (client.grants.empty()) {
        if (client.redirects.empty()) client.grants = {"client_credentials"};
        else client.grants = {"authorization_code", "refresh_token"};
    }
    if (options.jwks.starts_with("https://") || options.jwks.starts_with("http://")) {
        client.jwks_url = options.jwks;
    } else if (!options.jwks.empty()) {
        const auto text = text_of(options.jwks);
        if (!text)
            return complain("--jwks", "cannot be read, name a file with a JWK set or an https:// address", exit_environment);
        client.jwks = *text;
    }
    if (!options.certificate.empty()) {
        const auto print = oauth::print_of_certificate(text_of(options.certificate).value_or(""));
        if (!print.ok()) return complain("--certificate", print.outcome().issues.front().what, exit_environment);
        client.certificate = *print;
    }
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto added = tokens_of(options, accounts)->add_client(client);
        if (!added.ok())
            return complain("--" + added.outcome().issues.front().where, added.outcome().issues.front().what, exit_refused);
        write_down_account(options, "client", "added");
        return print_done(added, options, "registered");
    });
}

void list_registered(const AccountCommand& options, access::Accounts& accounts, json::Arena& arena,
                     std::vector<json::Value>& all) {
    for (const oauth::Client& each : tokens_of(options, accounts)->clients()) {
        const std::string_view kind = each.is_public ? "public" : each.certificate.empty() ? "keys" : "certificate";
        if (options.json)
            all.push_back(arena.object({{"name", arena.string(each.name)},
                                        {"scope", arena.string(each.scope)},
                                        {"proves_itself_by", arena.string(kind)},
                                        {"created", arena.string(calendar::instant_text(each.created_ms))}}));
        else std::printf("%-24s %-16s %s\n", each.name.c_str(), each.scope.c_str(), std::string(kind).c_str());
    }
}

int print_list(const AccountCommand& options, bool clients) {
    return with_accounts(options, [&](access::Accounts& accounts) {
        json::Arena arena;
        std::vector<json::Value> all;
        for (const auto& account : accounts.list()) {
            if (account.is_client != clients) continue;
            const std::string used = account.last_used_ms ? calendar::instant_text(*account.last_used_ms) : "";
            if (options.json) {
                const auto unless_empty = [&](std::string_view text) {
                    return text.empty() ? json::Value() : arena.string(text);
                };
                all.push_back(arena.object({{"name", arena.string(account.name)},
                                            {clients ? "scope" : "role", arena.string(clients ? account.scope : account.role)},
                                            {"display", arena.string(account.display)},
                                            {"institution", unless_empty(account.institution)},
                                            {"area", unless_empty(account.area)},
                                            {"practitioner", unless_empty(account.practitioner)},
                                            {"created", arena.string(calendar::instant_text(account.created_ms))},
                                            {"last_used", used.empty() ? arena.null() : arena.string(used)}}));
                continue;
            }
            std::printf("%-24s %-16s %-24s %-12s %s\n", account.name.c_str(), (clients ? account.scope : account.role).c_str(),
                        account.institution.c_str(), account.area.c_str(),
                        used.empty() ? "never used" : ("last used " + used).c_str());
        }
        if (clients) list_registered(options, accounts, arena, all);
        if (options.json) std::printf("%s\n", json::write(arena.array(all)).c_str());
        return exit_done;
    });
}

}  // namespace

void write_down(const fs::path& data, const std::string& store, std::string_view what, std::uint64_t resources) {
    access::Audit audit(data, store);
    const access::Viewer viewer = access::Viewer::program(what);
    access::Access access = access::line_of(viewer, calendar::SystemClock().now_ms());
    access.what = what;
    access.detail = "command line";
    access.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(resources, UINT32_MAX));
    audit.append(std::move(access));
    audit.flush();
}

namespace {
int no_role() {
    return complain("--role",
                    "expected administrator, clinician, epidemiologist, planner, operator, auditor, institution-administrator or "
                    "resident, choose one of them",
                    exit_usage);
}
}  // namespace

int add_user(const AccountCommand& options) {
    const auto role = access::parse_role(options.role);
    if (!role || *role == access::Role::system) return no_role();
    std::string password;
    if (!options.password_file.empty()) {
        std::ifstream file(options.password_file);
        std::istream& in = options.password_file == "-" ? std::cin : file;
        if (!std::getline(in, password) || password.empty())
            return complain("--password-file", "its first line cannot be read, name a file with a password in it",
                            exit_environment);
    }
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto added =
            accounts.add_user(options.name, *role, options.display, password, options.patient,
                              {options.institution.value_or(""), options.area.value_or(""), options.practitioner.value_or("")});
        if (added.ok()) write_down_account(options, "account-add", access::text(*role));
        return print_secret(added, options, "password");
    });
}

int change_user(const AccountCommand& options) {
    access::Accounts::Change change;
    if (!options.role.empty()) {
        change.role = access::parse_role(options.role);
        if (!change.role) return no_role();
    }
    if (!options.display.empty()) change.display = options.display;
    change.institution = options.institution;
    change.area = options.area;
    change.practitioner = options.practitioner;
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto changed = accounts.change_user(options.name, change);
        if (!changed.ok()) {
            const Issue& issue = changed.outcome().issues.front();
            return complain("--" + issue.where, issue.what, exit_refused);
        }
        write_down_account(options, "account-change", options.role);
        return print_done(changed, options, "changed");
    });
}

int remove_user(const AccountCommand& options) {
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto removed = accounts.remove_user(options.name);
        if (removed.ok()) write_down_account(options, "account-remove");
        return print_done(removed, options, "removed");
    });
}

int reset_user(const AccountCommand& options) {
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto reset = accounts.reset_password(options.name);
        if (reset.ok()) write_down_account(options, "account-password");
        return print_secret(reset, options, "password");
    });
}

int reset_user_factor(const AccountCommand& options) {
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto reset = access::reset_factor(accounts, options.name);
        if (reset.ok()) write_down_account(options, "account-factor");
        return print_done(reset, options, "reset");
    });
}

int list_users(const AccountCommand& options) { return print_list(options, false); }

int add_client(const AccountCommand& options) {
    if (options.asks_for_tokens()) return register_client(options);
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto added = accounts.add_client(options.name, options.scope);
        if (added.ok()) write_down_account(options, "client", "added");
        return print_secret(added, options, "token");
    });
}

int remove_client(const AccountCommand& options) {
    return with_accounts(options, [&](access::Accounts& accounts) {
        const auto registered = tokens_of(options, accounts)->remove_client(options.name);
        const auto removed = registered.ok() ? registered : accounts.remove_client(options.name);
        if (removed.ok()) write_down_account(options, "client", "removed");
        return print_done(removed, options, "removed");
    });
}

int list_clients(const AccountCommand& options) { return print_list(options, true); }

}  // namespace xinglin::server
