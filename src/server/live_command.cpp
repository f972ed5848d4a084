// SPDX-License-Identifier: Apache-2.0
// `xinglin city live`: the days after the end of a made-up city, sent to a running server as they come.
//
// HL7 v2 goes to the MLLP port when one is named, everything else to the door of the intake over HTTP; tables go into its inbox
// when one is named. Words on standard input: pause, go, speed N, jump, quit.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <set>

#include "calendar/calendar.h"
#include "city/city.h"
#include "http/client.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t day_seconds = 86'400;

std::atomic<bool> asked_to_stop{false};
void on_signal(int) { asked_to_stop = true; }

struct Address {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
};
Result<Address> parse_address(std::string_view text, std::string_view option) {
    Address out;
    if (text.starts_with("https://")) out.tls = true;
    const std::size_t scheme = text.find("://");
    if (scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    while (text.ends_with('/')) text.remove_suffix(1);
    const std::size_t colon = text.rfind(':');
    out.host = text.substr(0, colon);
    const int port =
        colon == std::string_view::npos ? (out.tls ? 443 : 80) : std::atoi(std::string(text.substr(colon + 1)).c_str());
    if (out.host.empty() || port < 1 || port > 65'535)
        return refuse(IssueCode::value, std::string(option), "expected an address such as http://127.0.0.1:8080");
    out.port = static_cast<std::uint16_t>(port);
    return out;
}

std::string local_text(std::int64_t seconds) {
    const std::string text = calendar::instant_text(seconds * 1000);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

/// The sender of the intake for messages of this source and format: a table of its own for each kind of row.
std::string sender_id(const city::Outgoing& message) {
    std::string id = message.source;
    if (message.format == "csv") id += "-" + message.kind;
    if (message.format == "cda") id += "-cda";
    for (char& c : id) {
        if (c == '_') c = '-';
    }
    return id.substr(0, 40);
}

/// Carries messages to the server; what cannot be delivered is tried again, and the city waits.
class Carrier {
public:
    Carrier(const LiveCommand& options, Address server) : options_(options), server_(std::move(server)) {}

    struct Counts {
        std::uint64_t sent = 0, refused = 0, duplicates = 0;
    };
    const Counts& counts() const { return counts_; }

    /// False when nothing could be delivered for now.
    bool deliver(const city::Outgoing& message) {
        if (message.kind == "report_cards" || message.kind == "calls_120") return true;  // no door reads them yet
        if (!introduce(message)) return false;
        const std::string type = message.format == "hl7v2"  ? "application/hl7-v2"
                                 : message.format == "csv"  ? "text/csv"
                                 : message.format == "fhir" ? "application/fhir+json"
                                                            : "application/xml";
        for (int copy = 0; copy < message.copies; ++copy) {
            const auto answer = post("/api/v1/intake/messages?source=" + sender_id(message), type, message.head + message.bytes);
            if (!answer || answer->status == 429 || answer->status >= 500) return false;
            if (answer->status == 401 || answer->status == 403)
                throw std::runtime_error("--token: the server does not let this token send, see `xinglin client add`");
            ++counts_.sent;
            counts_.duplicates += answer->status == 200;
            counts_.refused += answer->status == 422;
        }
        return true;
    }

private:
    const LiveCommand& options_;
    Address server_;
    std::optional<http::Client> client_;
    std::set<std::string> known_;
    Counts counts_;

    std::optional<http::Response> post(const std::string& target, const std::string& type, std::string body) {
        if (!client_) {
            auto made = http::Client::connect({.host = server_.host, .port = server_.port, .tls = server_.tls});
            if (!made.ok()) return std::nullopt;
            client_.emplace(std::move(made).value());
        }
        http::Request request;
        request.method = "POST";
        request.target = target;
        request.headers.set("Content-Type", type);
        if (!options_.token.empty()) request.headers.set("Authorization", "Bearer " + options_.token);
        request.body = std::move(body);
        auto answer = client_->send(request);
        if (!answer.ok()) {
            client_.reset();
            return std::nullopt;
        }
        return std::move(answer).value();
    }

    /// A source that the server does not know is made known once.
    bool introduce(const city::Outgoing& message) {
        const std::string id = sender_id(message);
        if (known_.contains(id)) return true;
        json::Arena arena;
        const std::string format = message.format == "csv" ? "csv:" + message.kind : message.format;
        const json::Value source =
            arena.object({{"id", arena.string(id)},
                          {"name", arena.string(message.name)},
                          {"kind", arena.string("http")},
                          {"format", arena.string(format)},
                          {"organization", message.organization.empty() ? json::Value{} : arena.string(message.organization)}});
        const auto answer = post("/api/v1/intake/sources", "application/json", json::write(source));
        if (!answer || answer->status >= 500) return false;
        if (answer->status == 401 || answer->status == 403)
            throw std::runtime_error("--token: the server does not let this token make sources, it needs an administrator's");
        known_.insert(id);  // made now, or there already
        return true;
    }
};

/// Words typed on standard input.
class Words {
public:
    /// The next whole line, or nothing.
    std::optional<std::string> next() {
        pollfd ready{STDIN_FILENO, POLLIN, 0};
        while (!ended_ && poll(&ready, 1, 0) > 0) {
            char buffer[256];
            const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
            if (got <= 0) ended_ = true;
            else waiting_.append(buffer, static_cast<std::size_t>(got));
        }
        const std::size_t end = waiting_.find('\n');
        if (end == std::string::npos) return std::nullopt;
        std::string line = waiting_.substr(0, end);
        waiting_.erase(0, end + 1);
        return line;
    }

private:
    std::string waiting_;
    bool ended_ = false;
};

class Life {
public:
    Life(const city::Stream& stream, Carrier& carrier, double speed)
        : stream_(stream), carrier_(carrier), speed_(speed), now_(static_cast<double>(stream.first())) {}

    int run() {
        load(stream_.first());
        auto last = std::chrono::steady_clock::now();
        Progress progress;
        while (!asked_to_stop && now_ < static_cast<double>(stream_.last())) {
            const auto moment = std::chrono::steady_clock::now();
            const double passed = std::chrono::duration<double>(moment - last).count();
            last = moment;
            if (!paused_ && !stuck_) now_ += passed * speed_;
            stuck_ = !send_due();
            listen();
            if (wants_jump_) jump();
            if (static_cast<std::int64_t>(now_) / day_seconds > day_ / day_seconds)
                load(static_cast<std::int64_t>(now_) / day_seconds * day_seconds);
            progress.show(fmt::format("{}  {}{} sent, {} refused{}", local_text(static_cast<std::int64_t>(now_)),
                                      paused_  ? "paused  "
                                      : stuck_ ? "waiting for the server  "
                                               : "",
                                      grouped(carrier_.counts().sent), grouped(carrier_.counts().refused),
                                      paused_ ? "" : fmt::format("  ×{:.0f}", speed_)));
            std::this_thread::sleep_for(std::chrono::milliseconds(stuck_ ? 1000 : 100));
        }
        return exit_done;
    }

private:
    const city::Stream& stream_;
    Carrier& carrier_;
    Words words_;
    double speed_, now_;
    bool paused_ = false, stuck_ = false, wants_jump_ = false;
    std::int64_t day_ = 0;
    std::vector<city::Outgoing> due_;
    std::size_t at_ = 0;
    std::future<std::vector<city::Outgoing>> next_;
    std::int64_t next_day_ = 0;

    /// The messages of this day; those of the next are made meanwhile.
    void load(std::int64_t day) {
        for (; at_ < due_.size() && !asked_to_stop; ++at_) {  // nothing of the day before is left out
            if (at_ % 64 == 0) listen();
            while (!carrier_.deliver(due_[at_]) && !asked_to_stop) std::this_thread::sleep_for(std::chrono::seconds(1));
        }
        due_ = next_.valid() && next_day_ == day ? next_.get() : stream_.between(day, day + day_seconds);
        if (next_.valid()) next_.wait();
        at_ = 0;
        day_ = day;
        next_day_ = day + day_seconds;
        next_ = std::async(std::launch::async, [this, from = next_day_] { return stream_.between(from, from + day_seconds); });
    }

    bool send_due() {
        for (; at_ < due_.size() && static_cast<double>(due_[at_].time) <= now_ && !asked_to_stop; ++at_) {
            if (!carrier_.deliver(due_[at_])) return false;
        }
        return true;
    }

    void listen() {
        while (const auto word = words_.next()) obey(*word);
    }

    void obey(const std::string& word) {
        if (word == "pause") paused_ = true;
        else if (word == "go") paused_ = false;
        else if (word == "quit") asked_to_stop = true;
        else if (word == "jump") wants_jump_ = true;
        else if (word.starts_with("speed ")) speed_ = std::clamp(std::strtod(word.c_str() + 6, nullptr), 1.0, 1'000'000.0);
        else if (!word.empty())
            std::fprintf(stderr, "\nwords: pause, go, speed SECONDS-A-SECOND, jump (to the next outbreak), quit\n");
    }

    /// The days up to the next planned outbreak are sent as fast as the server takes them.
    void jump() {
        wants_jump_ = false;
        for (const city::Stream::Outbreak& outbreak : stream_.outbreaks()) {
            if (outbreak.begins <= static_cast<std::int64_t>(now_)) continue;
            std::fprintf(stderr, "\nto %s\n", outbreak.name.c_str());
            for (std::int64_t day = day_ + day_seconds; day <= outbreak.begins && !asked_to_stop; day += day_seconds) load(day);
            now_ = static_cast<double>(outbreak.begins);
            return;
        }
        std::fprintf(stderr, "\nno outbreak is planned in the days that this city knows\n");
    }
};

Result<city::Request> request_of(const LiveCommand& options) {
    std::ifstream file(options.city / "city.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    json::Arena arena;
    const auto parsed = json::parse(text, arena);
    if (!file || !parsed.ok() || !parsed.value()["parameters"].is_object())
        return refuse(IssueCode::not_found, "--city",
                      "holds no city.json, expected a folder made by xinglin city --future-days N");
    const json::Value parameters = parsed.value()["parameters"];
    const auto number = [&](std::string_view key) {
        return std::strtoull(std::string(parameters[key].text()).c_str(), nullptr, 10);
    };
    city::Request request;
    request.population = static_cast<std::uint32_t>(number("population"));
    request.seed = number("seed");
    request.years = static_cast<int>(number("years"));
    request.end = parameters["until"].string();
    request.future_days = static_cast<int>(number("future_days"));
    request.threads = options.threads;
    return request;
}

}  // namespace

int live_city(const LiveCommand& options) {
    const auto server = parse_address(options.to, "--to");
    if (!server.ok()) return refused(server.outcome());
    const auto request = request_of(options);
    if (!request.ok()) return refused(request.outcome());
    content::Files files;
    if (!options.content.empty()) {
        auto overlay = content::Files::over(options.content);
        if (!overlay.ok()) return refused(overlay.outcome());
        files = std::move(overlay).value();
    }
    const auto stream = city::Stream::open(files, request.value());
    if (!stream.ok()) return refused(stream.outcome());
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    Carrier carrier(options, server.value());
    return Life(stream.value(), carrier, options.speed).run();
}

}  // namespace xinglin::server
