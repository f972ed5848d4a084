// SPDX-License-Identifier: Apache-2.0
// `xinglin copy`: a county moves up, or back. Every version in the order of the feed, then accounts and audit.
//
// Proof is a chain of SHA-256 over every version, computed on both sides. A copy that broke off goes on where it was: what the
// target holds must then be the beginning of the source, version by version.
#include <openssl/evp.h>

#include <chrono>
#include <cstdio>

#include "access/access.h"
#include "intake/copy.h"
#include "json/json.h"
#include "outbound/copy.h"
#include "record/record.h"
#include "server/commands.h"
#include "server/folder.h"
#include "server/snapshot.h"
#include "server/terminal.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::size_t changes_at_once = 2'000, bytes_at_once = 8u << 20;
const access::Viewer viewer = access::Viewer::program("copy");

Result<access::Place> place_of(const std::string& text, std::string_view option) {
    if (sql::is_postgres(text)) return access::Place{{}, text};
    const std::string folder = text.starts_with("sqlite:") ? text.substr(7) : text;
    if (folder.empty()) return refuse(IssueCode::value, std::string(option), "expected sqlite:DIR or postgres://user@host/name");
    return access::Place{folder, ""};
}

std::string shown(const access::Place& place) {
    return place.store.empty() ? place.folder.string() : sql::without_password(place.store);
}

/// Each version goes into the sum with all before it.
class Chain {
public:
    Chain() : sum_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(sum_.get(), EVP_sha256(), nullptr); }
    void add(const record::Change& change) {
        const std::string line =
            fmt::format("{} {}/{} {} {} {} {} {}\n", change.position, change.type->name, change.id, change.version,
                        change.updated_ms, change.deleted, change.created, change.text.size());
        EVP_DigestUpdate(sum_.get(), line.data(), line.size());
        EVP_DigestUpdate(sum_.get(), change.text.data(), change.text.size());
    }
    std::string text() const {
        const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> copy(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        EVP_MD_CTX_copy_ex(copy.get(), sum_.get());
        std::string digest(32, '\0');
        unsigned length = 0;
        EVP_DigestFinal_ex(copy.get(), reinterpret_cast<unsigned char*>(digest.data()), &length);
        return text::hex(digest);
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> sum_;
};

/// Adds the versions after `from`, up to `upto`.
void sum_up(record::Store& store, record::Position from, record::Position upto, Chain& chain, Progress& progress,
            std::string_view what) {
    store.reader(viewer).changes(from, upto, [&](const record::Change& change) {
        chain.add(change);
        if (change.position % 1'000 == 0)
            progress.show(std::string(what) + " " + grouped(static_cast<std::uint64_t>(change.position)) + " of " +
                          grouped(static_cast<std::uint64_t>(upto)) + " versions");
        return true;
    });
}

Result<Done> copy_versions(record::Store& from, record::Store& to, record::Position upto, Chain& chain, Progress& progress) {
    const record::Position present = to.reader(viewer).position();
    if (present > upto) return refuse(IssueCode::conflict, "--to", "holds more than the source; name an empty target");
    if (present > 0) {
        Chain there;
        sum_up(from, 0, present, chain, progress, "comparing, source");
        sum_up(to, 0, present, there, progress, "comparing, target");
        if (there.text() != chain.text())
            return refuse(IssueCode::conflict, "--to", "holds another record than the source; name an empty target");
    }
    std::vector<record::Change> batch;
    std::size_t bytes = 0;
    Result<Done> done = Done{};
    const auto send = [&] {
        done = to.replay(batch);
        progress.show("copied " + grouped(static_cast<std::uint64_t>(batch.back().position)) + " of " +
                      grouped(static_cast<std::uint64_t>(upto)) + " versions");
        batch.clear();
        bytes = 0;
        return done.ok();
    };
    from.reader(viewer).changes(present, upto, [&](const record::Change& change) {
        chain.add(change);
        bytes += change.text.size();
        batch.push_back(change);
        return (batch.size() < changes_at_once && bytes < bytes_at_once) || send();
    });
    if (done.ok() && !batch.empty()) send();
    return done;
}

Result<Opened> open_source(const access::Place& place, const fs::path& scratch, const calendar::Clock& clock) {
    if (!place.store.empty()) return open_database(place.store, clock);
    XINGLIN_CHECK(find_folder(place.folder));
    return open_or_snapshot(place.folder, scratch, clock);
}

Result<Opened> open_target(const access::Place& place, std::int16_t offset_minutes, const calendar::Clock& clock) {
    const record::Options options{.cache_bytes = 256ll << 20, .bulk = true, .offset_minutes = offset_minutes};
    if (!place.store.empty()) return open_database(place.store, clock, options);
    XINGLIN_CHECK(make_folder(place.folder));
    Opened opened;
    XINGLIN_TRY(opened.store, record::Store::open(place.folder, clock, options));
    return opened;
}

struct Report {
    std::uint64_t versions = 0;
    std::int64_t messages = 0, deliveries = 0;
    access::Copied access;
    std::string sum;
    double seconds = 0;
};

Result<Report> copy_all(const access::Place& from, const access::Place& to) {
    const auto begin = std::chrono::steady_clock::now();
    const calendar::SystemClock clock;
    std::string scratch = (fs::temp_directory_path() / "xinglin-copy-XXXXXX").string();
    if (!mkdtemp(scratch.data()))
        return refuse(IssueCode::exception, scratch, "cannot be made; see to the disk of temporary files");
    struct Removed {
        fs::path folder;
        ~Removed() {
            std::error_code ignored;
            fs::remove_all(folder, ignored);
        }
    } removed{scratch};
    Report report;
    Progress progress;
    XINGLIN_TRY(Opened source, open_source(from, removed.folder / "record", clock));
    XINGLIN_TRY(Opened target, open_target(to, source.store->offset_minutes(), clock));
    if (target.store->offset_minutes() != source.store->offset_minutes())
        return refuse(IssueCode::conflict, "--to", "was made for another time zone than the source; name an empty target");
    // The ledger first: what it says is stored is then among the versions copied.
    const std::string ledger = from.store.empty() ? (from.folder / "intake.db").string() : from.store;
    if (!from.store.empty() || fs::exists(ledger)) {
        XINGLIN_TRY(report.messages,
                    intake::copy_ledger(ledger, to.store.empty() ? (to.folder / "intake.db").string() : to.store));
    }
    // The queues too, put aside: they go over once it is sure that the target holds no other record.
    const std::string queues = from.store.empty() ? (from.folder / "outbound.db").string() : from.store;
    const std::string aside = (removed.folder / "queues.db").string();
    const bool has_queues = !from.store.empty() || fs::exists(queues);
    if (has_queues) XINGLIN_CHECK(outbound::copy_queues(queues, aside));
    const record::Position upto = source.store->reader(viewer).position();
    Chain chain;
    XINGLIN_CHECK(copy_versions(*source.store, *target.store, upto, chain, progress));
    XINGLIN_CHECK(record::close(std::move(target.store)));
    XINGLIN_TRY(target, open_target(to, source.store->offset_minutes(), clock));
    Chain there;
    sum_up(*target.store, 0, upto, there, progress, "proving");
    report.versions = static_cast<std::uint64_t>(upto);
    report.sum = chain.text();
    if (there.text() != report.sum || target.store->reader(viewer).position() != upto)
        return refuse(IssueCode::exception, "--to", "does not hold what was copied; empty it and copy again");
    XINGLIN_CHECK(record::close(std::move(target.store)));
    if (has_queues) {
        XINGLIN_TRY(report.deliveries,
                    outbound::copy_queues(aside, to.store.empty() ? (to.folder / "outbound.db").string() : to.store));
    }
    XINGLIN_TRY(report.access, access::copy(from, to, clock));
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
}

}  // namespace

int copy_record(const CopyCommand& options) {
    const auto from = place_of(options.from, "--from");
    if (!from.ok()) return refused(from.outcome());
    const auto to = place_of(options.to, "--to");
    if (!to.ok()) return refused(to.outcome());
    const auto report = copy_all(*from, *to);
    if (!report.ok())
        return report.outcome().code() == IssueCode::exception ? environment(report.outcome()) : refused(report.outcome());
    write_down(to->folder, to->store, "copy", report->versions);
    if (options.json) {
        json::Arena arena;
        const auto count = [&](std::uint64_t number) { return arena.number(static_cast<std::int64_t>(number)); };
        std::printf("%s\n", json::write(arena.object({{"versions", count(report->versions)},
                                                      {"accounts", count(report->access.accounts)},
                                                      {"messages", arena.number(report->messages)},
                                                      {"deliveries", arena.number(report->deliveries)},
                                                      {"accesses", count(report->access.accesses)},
                                                      {"sha256", arena.string(report->sum)},
                                                      {"seconds", arena.number(fmt::format("{:.3f}", report->seconds))}}))
                                .c_str());
    } else {
        std::printf(
            "%s versions, %s messages, %s deliveries, %s accounts, %s accesses copied to %s and proven, %.1f s\nsha256 of all "
            "versions on both "
            "sides: %s\n",
            grouped(report->versions).c_str(), grouped(static_cast<std::uint64_t>(report->messages)).c_str(),
            grouped(static_cast<std::uint64_t>(report->deliveries)).c_str(), grouped(report->access.accounts).c_str(),
            grouped(report->access.accesses).c_str(), shown(*to).c_str(), report->seconds, report->sum.c_str());
    }
    return exit_done;
}

}  // namespace xinglin::server
