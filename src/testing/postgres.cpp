// SPDX-License-Identifier: Apache-2.0
// initdb, a server on a socket, schemas by number.
#include "testing/postgres.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "sql/sealed.h"
#include "sql/sealed_values.h"
#include "sql/sql.h"

namespace xinglin::testing {

namespace fs = std::filesystem;

namespace {

const fs::path programs = "/usr/lib/postgresql/15/bin";

struct Person {
    uid_t user;
    gid_t group;
};
Person unprivileged() {
    for (const char* name : {"postgres", "nobody"}) {
        if (const passwd* found = getpwnam(name)) return {found->pw_uid, found->pw_gid};
    }
    throw std::runtime_error("neither of the users postgres and nobody exists");
}

pid_t launch(const std::vector<std::string>& command, const fs::path& folder) {
    const Person person = geteuid() == 0 ? unprivileged() : Person{geteuid(), getegid()};
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string log = (folder / "log").string();
    const pid_t child = fork();
    if (child != 0) return child;
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(person.group) != 0 || setuid(person.user) != 0)) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);  // a test that dies takes its server along
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, 1);
    dup2(file, 2);
    if (chdir(folder.c_str()) != 0) _exit(126);
    unsetenv("LD_PRELOAD");
    execv(words[0], words.data());
    _exit(127);
}

int finished(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Gone, or waiting for whoever inherited it to notice.
bool is_ended(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string line;
    if (!std::getline(file, line)) return true;
    const auto name_end = line.rfind(") ");
    return name_end == std::string::npos || line[name_end + 2] == 'Z' || line[name_end + 2] == 'X';
}

}  // namespace

bool PostgresCluster::is_installed() { return fs::exists(programs / "postgres"); }

PostgresCluster::PostgresCluster(Options options) : options_(options) {
    std::string name = "/tmp/xinglin-pg-XXXXXX";  // short: a socket's path has 107 characters at most
    if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder for PostgreSQL");
    folder_ = name;
    if (geteuid() == 0) {
        const Person person = unprivileged();
        if (chown(name.c_str(), person.user, person.group) != 0) throw std::runtime_error("cannot give away " + name);
    }
    fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    const std::vector<std::string> init{
        programs / "initdb", "-D",        folder_ / "data",   "-U", "test", "-A", "trust", "-E", "UTF8",
        "--locale=C",        "--no-sync", "--no-instructions"};
    if (finished(launch(init, folder_)) != 0) throw std::runtime_error("initdb failed, see " + (folder_ / "log").string());
    start();
    const auto made = sql::open_postgres("postgres://test@/postgres?host=" + name);
    made->run("CREATE DATABASE test");
}

void PostgresCluster::start() {
    const std::string fsync = options_.fsync ? "on" : "off";
    server_ = launch({programs / "postgres", "-D", folder_ / "data", "-k", folder_, "-c", "listen_addresses=", "-c",
                      "fsync=" + fsync, "-c", "full_page_writes=" + fsync, "-c", "shared_buffers=64MB", "-c",
                      "max_connections=200", "-c", "recovery_init_sync_method=syncfs", "-c", "max_wal_size=2GB"},
                     folder_);
    wait_until_ready();
}

void PostgresCluster::wait_until_ready() const {
    const std::string url = "postgres://test@/postgres?host=" + folder_.string();
    for (int i = 0; i < 600; ++i) {
        if (PQping(url.c_str()) == PQPING_OK) return;
        if (waitpid(server_, nullptr, WNOHANG) == server_) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("PostgreSQL does not start, see " + (folder_ / "log").string());
}

void PostgresCluster::crash() {
    kill(server_, SIGQUIT);
    finished(server_);
    server_ = 0;
}

/// Those the server has made.
std::vector<pid_t> PostgresCluster::processes() const {
    std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", server_));
    std::vector<pid_t> found;
    for (pid_t child = 0; list >> child;) found.push_back(child);
    return found;
}

bool PostgresCluster::kill_one(std::uint64_t which) {
    std::vector<pid_t> serving;
    for (const pid_t child : processes()) {
        std::ifstream file(fmt::format("/proc/{}/cmdline", child));
        std::string title;
        std::getline(file, title, '\0');
        if (title.starts_with("postgres: test ")) serving.push_back(child);
    }
    return !serving.empty() && kill(serving[which % serving.size()], SIGKILL) == 0;
}

void PostgresCluster::kill_all() {
    const std::vector<pid_t> children = processes();
    kill(server_, SIGKILL);
    finished(server_);
    server_ = 0;
    for (const pid_t child : children) kill(child, SIGKILL);
    for (const pid_t child : children) {  // the next start refuses while one still has the memory
        while (!is_ended(child)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

PostgresCluster::~PostgresCluster() {
    if (server_ > 0) crash();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string PostgresCluster::url() const { return "postgres://test@/test?host=" + folder_.string(); }

std::string PostgresCluster::fresh() {
    const std::string schema = "t" + std::to_string(getpid()) + "_" + std::to_string(++schemas_);
    sql::open_postgres(url())->run("CREATE SCHEMA " + schema);
    return url() + "&options=-csearch_path%3D" + schema;
}

namespace {
std::string fresh_database() {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    if (const char* named = std::getenv("XINGLIN_TEST_POSTGRES")) {
        static int schemas = 0;
        const std::string schema = "t" + std::to_string(getpid()) + "_" + std::to_string(++schemas);
        sql::open_postgres(named)->run("CREATE SCHEMA " + schema);
        return std::string(named) + (std::string(named).find('?') == std::string::npos ? "?" : "&") + "options=-csearch_path%3D" +
               schema;
    }
    if (!PostgresCluster::is_installed()) return {};
    static PostgresCluster cluster;
    return cluster.fresh();
}
}  // namespace

std::string fresh_postgres() {
    const std::string place = fresh_database();
    if (place.empty() || !std::getenv("XINGLIN_TEST_SEALED")) return place;
    ::setenv("XINGLIN_TEST_POSTGRES_KEY", std::string(64, '5').c_str(), 1);
    sql::give_key_places({"env:XINGLIN_TEST_POSTGRES_KEY"});
    if (const auto sealed = sql::seal_database(place, keys::Cipher::sm4_ctr_hmac_sm3, "2026-11-23", {}); !sealed.ok())
        throw std::runtime_error(sealed.outcome().line());
    return place;
}

std::string store_beside(const std::filesystem::path& folder) {
    const char* engine = std::getenv("XINGLIN_TEST_ENGINE");
    if (!engine || std::string_view(engine) != "postgres") return {};
    static std::mutex mutex;
    static std::map<std::string, std::string> places;
    const std::lock_guard lock(mutex);
    std::string& place = places[folder.string()];
    if (place.empty() && (place = fresh_postgres()).empty()) {
        std::fprintf(stderr, "skipped: %s\n", no_postgres);
        std::exit(77);
    }
    return place;
}

std::vector<std::string> engines() { return {"sqlite", "postgres"}; }

}  // namespace xinglin::testing
