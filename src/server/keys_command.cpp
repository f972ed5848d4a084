// SPDX-License-Identifier: Apache-2.0
// `xinglin keys`: a data folder is encrypted, says with which keys, and changes them while a server runs. docs/operate.md.
#include "server/keys_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "calendar/calendar.h"
#include "json/json.h"
#include "keys/keys.h"
#include "server/folder.h"
#include "server/keys_database.h"
#include "server/terminal.h"
#include "sql/sealed.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr const char* variable = "XINGLIN_DATA_KEY";

std::string today() { return calendar::instant_text(calendar::SystemClock().now_ms()).substr(0, 10); }

/// The folder, for us alone, as the record takes it.
class Alone {
public:
    explicit Alone(const fs::path& folder) : file_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)) {
        is_ = file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) == 0;
    }
    ~Alone() {
        if (file_ >= 0) ::close(file_);
    }
    Alone(const Alone&) = delete;
    bool is() const { return is_; }

private:
    int file_;
    bool is_ = false;
};

void synchronise(const fs::path& folder) {
    const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!done) throw sql::Broken(sql::Broken::Why::io, folder.string() + ": cannot be brought to the disk");
}

fs::path sealed_name(const fs::path& database) { return database.string() + "-sealed"; }

/// Sealed copies take the places of the plain files. May be stopped anywhere and run again: a copy that is there is whole.
std::size_t exchange(const fs::path& data) {
    std::size_t count = 0;
    for (const fs::path& database : sql::databases_below(data)) {
        const fs::path sealed = sealed_name(database);
        if (!fs::exists(sealed)) continue;
        for (const char* tail : {"-wal", "-shm"}) fs::remove(database.string() + tail);
        fs::rename(sealed, database);
        synchronise(database.parent_path());
        ++count;
    }
    return count;
}

/// Copies under keys that are not the folder's yet, then the keys: from that moment on the folder is an encrypted one.
Result<Done> seal_all(const KeysCommand& options) {
    const fs::path staging = options.data / ".encrypting";
    fs::remove_all(staging);
    fs::create_directories(staging);
    fs::permissions(staging, fs::perms::owner_all);
    XINGLIN_CHECK(keys::make(staging, *keys::cipher_of(options.cipher), sql::key_places().front(), today()));
    XINGLIN_TRY(const auto keys, keys::Folder::open(staging, sql::key_places()));
    Progress progress;
    for (const fs::path& database : sql::databases_below(options.data)) {
        progress.show("encrypting " + database.filename().string());
        fs::remove(sealed_name(database));
        sql::seal_copy(database, sealed_name(database), keys);
        fs::permissions(sealed_name(database), fs::status(database).permissions());
        synchronise(database.parent_path());
    }
    fs::rename(staging / keys::file_name, options.data / keys::file_name);
    synchronise(options.data);
    fs::remove_all(staging);
    return Done{};
}

std::size_t plain_backups(const fs::path& data) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(data)) {
        count += entry.path().filename() == "manifest.json" && !keys::is_sealed(entry.path().parent_path());
    }
    return count;
}

using Counts = std::vector<std::pair<std::string, std::map<std::uint32_t, std::uint64_t>>>;

Counts counts_of(const fs::path& data) {
    Counts all;
    for (const fs::path& database : sql::databases_below(data))
        all.emplace_back(fs::relative(database, data).string(), sql::pages_by_key(database));
    return all;
}

void print_json(const keys::Ring& ring, bool is_in_token, const Counts& counts) {
    json::Arena arena;
    std::vector<json::Value> keys, files;
    for (const keys::DataKey& key : ring.keys) {
        keys.push_back(arena.object({{"number", arena.number(std::int64_t{key.number})},
                                     {"made", arena.string(key.made)},
                                     {"active", arena.boolean(key.number == ring.active)}}));
    }
    for (const auto& [name, pages] : counts) {
        std::vector<std::pair<std::string_view, json::Value>> by_key;
        for (const auto& [number, count] : pages)
            by_key.emplace_back(arena.keep(std::to_string(number)), arena.number(static_cast<std::int64_t>(count)));
        files.push_back(arena.object({{"file", arena.string(name)}, {"pages", arena.object(by_key)}}));
    }
    std::printf("%s\n", json::write(arena.object({{"cipher", arena.string(keys::name_of(ring.cipher))},
                                                  {"generation", arena.number(ring.generation)},
                                                  {"wrappedIn", arena.string(is_in_token ? "token" : "process")},
                                                  {"keys", arena.array(keys)},
                                                  {"files", arena.array(files)}}))
                            .c_str());
}

keys::Cipher cipher_named(std::string_view name) {
    return name == "sm4" ? keys::Cipher::sm4_ctr_hmac_sm3 : keys::Cipher::aes_256_gcm;
}

/// Keys for a folder that is empty or new.
int make_keys(const fs::path& data, const DataKeys& keys) {
    if (const auto folder = make_folder(data); !folder.ok()) return environment(folder.outcome());
    const auto made = keys::make(data, cipher_named(keys.cipher), keys.places.front(), today());
    return made.ok() ? exit_done : environment(made.outcome());
}

/// What is copied or replayed out of an encrypted folder goes into an encrypted one.
int seal_target(std::string to, const DataKeys& places) {
    if (to.starts_with("sqlite:")) to.erase(0, 7);
    if (sql::is_postgres(to)) return prepare_database(to, places.places, true, false, cipher_named(places.cipher), today());
    if (!is_free(to) || keys::is_sealed(to)) return exit_done;
    return make_keys(to, places);
}

}  // namespace

int encrypt_folder(const KeysCommand& options) {
    if (!options.store.empty()) return encrypt_database(options.store, *keys::cipher_of(options.cipher), today());
    if (const auto folder = find_folder(options.data); !folder.ok()) return environment(folder.outcome());
    if (sql::key_places().empty())
        return complain("--data-key",
                        "is needed: where the key is that the folder is encrypted with, file:PATH, env:NAME or pkcs11:…",
                        exit_usage);
    const Alone alone(options.data);
    if (!alone.is())
        return complain(options.data.string(), "is in use by another xinglin process, stop it first", exit_environment);
    if (!keys::is_sealed(options.data)) {
        if (const auto sealed = seal_all(options); !sealed.ok()) return refused(sealed.outcome());
    }
    const std::size_t count = exchange(options.data);
    std::printf("%zu files encrypted in %s\n", count, options.data.c_str());
    std::printf("What was plain may still be read from free blocks of this disk, and from older backups%s.\n",
                plain_backups(options.data)
                    ? (" (" + std::to_string(plain_backups(options.data)) + " plain ones lie in this folder)").c_str()
                    : "");
    return exit_done;
}

int print_keys(const KeysCommand& options) {
    if (!options.store.empty()) return print_database_keys(options.store, options.json);
    const auto keys = sql::keys_for(options.data / "record.db");
    if (!keys) return complain(options.data.string(), "is not encrypted; `xinglin keys encrypt` does that", exit_refused);
    const auto ring = keys->ring();
    const Counts counts = counts_of(options.data);
    if (options.json) {
        print_json(*ring, keys->is_in_token(), counts);
        return exit_done;
    }
    std::printf("%s, generation %lld, the list sealed with a key %s\n", std::string(keys::name_of(ring->cipher)).c_str(),
                static_cast<long long>(ring->generation),
                keys->is_in_token() ? "inside a token" : "from a file or the environment");
    for (const keys::DataKey& key : ring->keys)
        std::printf("key %u of %s%s\n", key.number, key.made.c_str(), key.number == ring->active ? ", active" : "");
    for (const auto& [name, pages] : counts) {
        std::printf("%-24s", name.c_str());
        for (const auto& [number, count] : pages) std::printf("  key %u: %s pages", number, grouped(count).c_str());
        std::printf("\n");
    }
    return exit_done;
}

int rotate_keys(const KeysCommand& options) {
    if (!options.store.empty()) return rotate_database_keys(options.store, options.resume, today());
    if (!keys::is_sealed(options.data))
        return complain(options.data.string(), "is not encrypted; `xinglin keys encrypt` does that", exit_refused);
    if (!options.resume) {
        const auto number = keys::rotate(options.data, sql::key_places(), today());
        if (!number.ok()) return refused(number.outcome());
        std::printf("key %u is the active one\n", *number);
    }
    bool all = true;
    {
        Progress progress;
        for (const fs::path& database : sql::databases_below(options.data)) {
            const std::string name = database.filename().string();
            all &= sql::seal_anew(database, [&](std::uint64_t done, std::uint64_t of) {
                progress.show(name + ": " + grouped(done) + " of " + grouped(of) + " pages");
            });
        }
    }
    if (!all)
        return complain(
            options.data.string(),
            "somebody reads an older state, so some pages keep a former key; run `xinglin keys rotate --continue` later",
            exit_refused);
    if (const auto retired = keys::retire(options.data, sql::key_places()); !retired.ok()) return refused(retired.outcome());
    std::printf("every page is under the active key, the former ones are forgotten\n");
    return exit_done;
}

int rewrap_keys(const KeysCommand& options) {
    if (!options.store.empty()) return rewrap_database_keys(options.store, options.new_key);
    const auto done = keys::rewrap(options.data, sql::key_places(), options.new_key);
    if (!done.ok()) return refused(done.outcome());
    std::printf("the data keys are wrapped under %s\nServers that run go on; give them the new key before the next rotation.\n",
                keys::shown(options.new_key).c_str());
    return exit_done;
}

int make_token_key(const std::string& place) {
    const auto made = keys::make_in_token(place);
    if (!made.ok()) return refused(made.outcome());
    std::printf("a key was made inside the token; it does not leave it: %s\n", keys::shown(place).c_str());
    return exit_done;
}

void add_keys_words(CLI::App& app, Action& action) {
    CLI::App* keys_word = word(app, "keys", "Encryption at rest: encrypt a data folder, change its keys",
                               "openssl rand -hex 32 > /safe/xinglin.key; chmod 600 /safe/xinglin.key\n"
                               "  xinglin keys encrypt --data DIR --data-key file:/safe/xinglin.key");
    keys_word->require_subcommand(1);
    const auto add = [&](const char* name, const char* what, const char* example, int (*run)(const KeysCommand&)) {
        const auto options = std::make_shared<KeysCommand>();  // shared: lives in the callback
        CLI::App* made = word(*keys_word, name, what, example);
        CLI::Option_group* either = made->add_option_group("where");
        either->add_option("--data", options->data, "the data folder");
        either
            ->add_option("--store", options->store, "a PostgreSQL database, which has keys of its own: postgres://user@host/name")
            ->check([](const std::string& store) {
                return sql::is_postgres(store) ? std::string()
                                               : "expected the address of a PostgreSQL database, postgres://user@host/name";
            });
        either->require_option(1);
        made->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
        return std::pair(made, options);
    };
    const auto [encrypt, of_encrypt] =
        add("encrypt", "Encrypt a data folder that is plain; nothing may have it open. Stopped, it goes on when run again",
            "xinglin keys encrypt --data DIR --data-key file:/safe/xinglin.key", encrypt_folder);
    encrypt->add_option("--cipher", of_encrypt->cipher, "aes-256-gcm or sm4-ctr-hmac-sm3")
        ->check(CLI::IsMember({"aes-256-gcm", "sm4-ctr-hmac-sm3"}))
        ->capture_default_str();
    const auto [status, of_status] = add("status", "Say which keys there are, and how many pages of each file are under which",
                                         "xinglin keys status --data DIR --data-key file:/safe/xinglin.key", print_keys);
    status->add_flag("--json", of_status->json, "print it as JSON");
    const auto [rotate, of_rotate] =
        add("rotate", "Make a new data key, write every page anew with it, forget the former ones; also while a server runs",
            "xinglin keys rotate --data DIR --data-key file:/safe/xinglin.key", rotate_keys);
    rotate->add_flag("--continue", of_rotate->resume, "no further key: finish what was stopped");
    const auto place = std::make_shared<std::string>();
    CLI::App* token =
        word(*keys_word, "token", "Make a key-encrypting key inside a token (PKCS#11); most tokens' own tools do it too",
             "xinglin keys token "
             "'pkcs11:token=xinglin;object=master?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/safe/pin'");
    token->add_option("place", *place, "the key to be made")->required();
    token->callback([place, &action] { action = [place] { return make_token_key(*place); }; });
    const auto [rewrap, of_rewrap] =
        add("rewrap", "Wrap the data keys under another key-encrypting key; at once, also while a server runs",
            "xinglin keys rewrap --data DIR --data-key file:/safe/old.key --new-key file:/safe/new.key", rewrap_keys);
    rewrap->add_option("--new-key", of_rewrap->new_key, std::string("where the new key is: ") + keys::places_wanted)->required();
}

void add_data_keys(CLI::App& app, DataKeys& keys) {
    for (CLI::App* child : app.get_subcommands([](const CLI::App* each) { return !each->get_name().empty(); })) {
        add_data_keys(*child, keys);
        const std::string name = child->get_name();
        if (!child->get_option_no_throw("--data") && name != "copy") continue;
        child
            ->add_option("--data-key", keys.places,
                         std::string("where the key of an encrypted data folder is: ") + keys::places_wanted +
                             "; may be repeated, the one that fits is taken (Env:XINGLIN_DATA_KEY)")
            ->allow_extra_args(false);
        if (name == "serve" || name == "import" || name == "restore" || name == "copy" || name == "replay")
            child
                ->add_option("--data-cipher", keys.cipher,
                             "what a new data folder or database is encrypted with: aes (AES-256-GCM) or sm4 (SM4-CTR, HMAC-SM3)")
                ->check(CLI::IsMember({"aes", "sm4"}));
    }
}

int prepare_data_keys(const CLI::App& app, const DataKeys& keys) {
    std::vector<std::string> places = keys.places;
    const char* given = std::getenv(variable);
    if (places.empty() && given && *given) {
        for (const std::string_view each : text::split(given, ',')) places.emplace_back(each);
    }
    sql::give_key_places(places);
    const CLI::App* at = &app;
    std::string words;
    for (bool deeper = true; deeper;) {
        deeper = false;
        for (const CLI::App* child : at->get_subcommands()) {
            if (child->get_name().empty()) continue;
            words += " " + child->get_name();
            at = child;
            deeper = true;
            break;
        }
    }
    const bool makes_another = words == " copy" || words == " intake replay";
    if (const CLI::Option* to = at->get_option_no_throw("--to"); makes_another && to && to->count() && !places.empty()) {
        if (const int status = seal_target(to->as<std::string>(), {places, keys.cipher}); status != exit_done) return status;
    }
    const bool fills = words == " serve" || words == " import" || words == " restore";
    if (const CLI::Option* store = at->get_option_no_throw("--store");
        store && store->count() && sql::is_postgres(store->as<std::string>())) {
        const int status = prepare_database(store->as<std::string>(), places, fills, words.starts_with(" keys"),
                                            cipher_named(keys.cipher), today());
        if (status != exit_done) return status;
    }
    const CLI::Option* option = at->get_option_no_throw("--data");
    const fs::path data = option && option->count() ? option->as<std::string>() : "";
    if (data.empty()) return exit_done;
    if (keys::is_sealed(data)) {
        if (const auto opened = keys::Folder::open(data, places); !opened.ok()) return environment(opened.outcome());
        return exit_done;
    }
    if (places.empty() || words.starts_with(" keys")) return exit_done;
    if (!is_free(data))
        return keys::is_sealed(data) || fs::exists(data / "manifest.json")
                   ? exit_done
                   : complain(data.string(), "is not encrypted; leave --data-key out, or encrypt it with `xinglin keys encrypt`",
                              exit_refused);
    return fills ? make_keys(data, {places, keys.cipher}) : exit_done;
}

}  // namespace xinglin::server
