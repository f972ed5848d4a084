// SPDX-License-Identifier: Apache-2.0
// `xinglin city live`: the days after the end of a made-up city, sent to a running server as they come.
//
// HL7 v2 goes to the MLLP port and tables as files into the inbox where these are named, everything else (and they too, when they
// are not) over HTTP. How far it came is kept in a file. Words on standard input: pause, go, faster, slower, speed N, jump, quit.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <thread>

#include "calendar/calendar.h"
#include "city/city.h"
#include "json/json.h"
#include "server/commands.h"
#include "server/live_carrier.h"
#include "server/live_clock.h"
#include "server/terminal.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t day_seconds = 86'400;

/// Signals wait until they are looked for: one that came between sending and hearing the answer would make us send again.
class Stop {
public:
    Stop() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    }
    void ask() { asked_ = true; }
    bool asked() {
        constexpr timespec at_once{};
        if (!asked_) asked_ = sigtimedwait(&signals_, nullptr, &at_once) > 0;
        return asked_;
    }

private:
    sigset_t signals_;
    bool asked_ = false;
};

std::string local_text(std::int64_t seconds) {
    const std::string text = calendar::instant_text(seconds * 1000);
    return text.substr(0, 10) + " " + text.substr(11, 5);
}

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
    Life(const city::Stream& stream, Carrier& carrier, Stop& stop, const LiveCommand& options, std::string city)
        : stream_(stream),
          carrier_(carrier),
          stop_(stop),
          clock_file_(options.clock.empty() ? options.city / "clock.json" : options.clock),
          first_hour_(options.hour),
          speed_(options.speed) {
        moment_.city = std::move(city);
        moment_.ways = carrier_.ways().text();
    }

    /// Where it stopped, or in the first day.
    Result<Done> begin() {
        XINGLIN_TRY(const auto before, read_clock(clock_file_));
        if (before && before->city != moment_.city)
            return refuse(IssueCode::invalid, clock_file_.string(),
                          "is the clock of another city, name another file with --clock");
        if (!before) moment_.now = static_cast<double>((moment_.day = stream_.first()) + first_hour_ * 3'600);
        else if (before->ways == moment_.ways) moment_ = *before;
        else moment_.now = before->now, moment_.day = before->day;
        moment_.speed = speed_;
        moment_.paused = false;
        if (before) moment_.resting = before->resting;  // of a pause in which it was stopped
        is_resting_ = !moment_.resting.empty();
        open_day(moment_.day);
        if (before && before->ways != moment_.ways) {  // its parcels are made up differently now
            while (moment_.done < parcels_.size() && static_cast<double>(parcels_[moment_.done].time) <= moment_.now)
                ++moment_.done;
        }
        take_up_held();
        return write_clock(moment_, clock_file_);
    }

    int run() {
        auto last = std::chrono::steady_clock::now();
        while (!stop_.asked() && !is_over()) {
            const auto moment = std::chrono::steady_clock::now();
            const double passed = std::chrono::duration<double>(moment - last).count();
            last = moment;
            // Not beyond the day whose messages are at hand, however slowly they are taken.
            if (moment_.paused != is_resting_) settle();
            if (!moment_.paused && !stuck_)
                moment_.now = std::min(moment_.now + passed * moment_.speed, static_cast<double>(moment_.day + day_seconds));
            stuck_ = !send_until(moment_.now) || !retry_held(moment);
            listen();
            if (wants_jump_) jump();
            next_day_when_over();
            show();
            keep_clock();
            std::this_thread::sleep_for(std::chrono::milliseconds(stuck_ ? 1000 : 100));
        }
        keep_clock();
        if (!stop_.asked()) std::fprintf(stderr, "\nthe days that this city knows are over; make one with more --future-days\n");
        return exit_done;
    }

private:
    static constexpr std::size_t most_held = 20'000, held_at_once = 50;

    const city::Stream& stream_;
    Carrier& carrier_;
    Stop& stop_;
    const fs::path clock_file_;
    const int first_hour_;
    Words words_;
    Progress progress_;
    const double speed_;  // to begin with
    bool is_resting_ = false, stuck_ = false, wants_jump_ = false;
    LiveMoment moment_;
    std::vector<Parcel> parcels_;  // of moment_.day
    std::future<std::vector<Parcel>> next_;
    std::map<std::string, std::deque<std::pair<LiveMoment::Held, Parcel>>> held_;  // by source, in order
    std::chrono::steady_clock::time_point retried_;

    std::vector<Parcel> parcels_of_day(std::int64_t day) const {
        return parcels_of(stream_.between(day, day + day_seconds), carrier_.ways());
    }

    /// The parcels of this day; those of the next are made meanwhile.
    void open_day(std::int64_t day) {
        parcels_ = next_.valid() ? next_.get() : parcels_of_day(day);
        moment_.day = day;
        if (day + day_seconds < stream_.last())
            next_ = std::async(std::launch::async, [this, day] { return parcels_of_day(day + day_seconds); });
        for (const Parcel& parcel : parcels_) {  // whoever sends today stands on the map from its first minute
            if (stop_.asked() || !carrier_.introduce(parcel)) break;
        }
    }

    void take_up_held() {
        std::map<std::int64_t, std::vector<Parcel>> days;
        std::vector<LiveMoment::Held> there;
        for (const LiveMoment::Held& each : moment_.held) {
            if (!days.contains(each.day)) days[each.day] = parcels_of_day(each.day);
            std::vector<Parcel>& parcels = days[each.day];
            if (each.index >= parcels.size()) continue;
            there.push_back(each);
            held_[parcels[each.index].source].emplace_back(each, parcels[each.index]);
        }
        moment_.held = std::move(there);
    }

    /// False when it can't be sent now, and nothing after it.
    bool send_one(std::size_t index) {
        Parcel& parcel = parcels_[index];
        const auto waiting = held_.find(parcel.source);
        const Told told = waiting == held_.end() ? carrier_.deliver(parcel) : Told::again;
        if (told == Told::silence) return false;
        if (told == Told::again) {  // this source does not take anything now: others go on
            if (moment_.held.size() >= most_held) return false;
            moment_.held.push_back({moment_.day, index});
            held_[parcel.source].emplace_back(moment_.held.back(), std::move(parcel));
        }
        moment_.done = index + 1;
        keep_clock();
        return true;
    }

    bool send_until(double now) {
        while (moment_.done < parcels_.size() && static_cast<double>(parcels_[moment_.done].time) <= now && !stop_.asked()) {
            if (!send_one(moment_.done)) return false;
        }
        return true;
    }

    /// What sources did not take before. False when nobody answers.
    bool retry_held(std::chrono::steady_clock::time_point now) {
        if (held_.empty() || now - retried_ < std::chrono::seconds(2)) return true;
        retried_ = now;
        for (auto each = held_.begin(); each != held_.end();) {
            auto& [source, waiting] = *each;
            for (std::size_t n = 0; n < held_at_once && !waiting.empty(); ++n) {
                const Told told = carrier_.deliver(waiting.front().second);
                if (told == Told::silence) return false;
                if (told == Told::again) break;
                std::erase(moment_.held, waiting.front().first);
                waiting.pop_front();
                keep_clock();
            }
            each = waiting.empty() ? held_.erase(each) : std::next(each);
        }
        return true;
    }

    /// Every day is lived, and everything of them sent.
    bool is_over() const {
        return moment_.now >= static_cast<double>(stream_.last()) && moment_.done >= parcels_.size() && held_.empty();
    }

    void next_day_when_over() {
        if (moment_.day + day_seconds >= stream_.last()) return;
        if (static_cast<std::int64_t>(moment_.now) / day_seconds > moment_.day / day_seconds) finish_day();
    }

    /// Sends the rest of the day, however long it takes, and opens the next.
    void finish_day() {
        while (!send_until(static_cast<double>(moment_.day + day_seconds)) && !stop_.asked()) {
            listen();
            std::this_thread::sleep_for(std::chrono::seconds(1));
        }
        if (stop_.asked()) return;
        moment_.done = 0;
        open_day(moment_.day + day_seconds);
        keep_clock();
    }

    void keep_clock() {
        if (const auto kept = write_clock(moment_, clock_file_); !kept.ok()) throw std::runtime_error(kept.outcome().line());
    }

    void show() {
        const std::string hold = moment_.held.empty() ? "" : fmt::format(", {} held back", grouped(moment_.held.size()));
        progress_.show(fmt::format("{}  {}{} sent, {} refused{}{}", local_text(static_cast<std::int64_t>(moment_.now)),
                                   moment_.paused ? "paused  "
                                   : stuck_       ? "waiting for the server  "
                                                  : "",
                                   grouped(carrier_.counts().sent), grouped(carrier_.counts().refused), hold,
                                   moment_.paused ? "" : fmt::format("  ×{:.0f}", moment_.speed)));
    }

    void listen() {
        while (const auto word = words_.next()) obey(*word);
    }

    /// Sources say themselves that they are paused while the city is: silence is no alarm then.
    void settle() {
        const bool done = moment_.paused ? carrier_.rest(moment_.resting) : carrier_.wake(moment_.resting);
        if (done) is_resting_ = moment_.paused;
    }

    void say(const std::string& words) const {
        std::fprintf(stderr, "\n%s  %s\n", local_text(static_cast<std::int64_t>(moment_.now)).c_str(), words.c_str());
    }
    void pace(double speed) {
        constexpr double slowest = 1, fastest = 1'000'000;
        if (!(speed > 0)) return say("speed is a number of seconds, 1 or more");
        moment_.speed = std::clamp(speed, slowest, fastest);
        say(fmt::format("×{:.0f}{}", moment_.speed, moment_.paused ? ", when it goes on" : ""));
    }

    void obey(const std::string& word) {
        if (word == "pause" || word == "go") {
            moment_.paused = word == "pause";
            say(moment_.paused ? "paused" : fmt::format("goes on, ×{:.0f}", moment_.speed));
        } else if (word == "quit") stop_.ask();
        else if (word == "jump") wants_jump_ = true;
        else if (word == "faster") pace(moment_.speed * 2);
        else if (word == "slower") pace(moment_.speed / 2);
        else if (word.starts_with("speed ")) pace(std::strtod(word.c_str() + 6, nullptr));
        else if (!word.empty())
            say("words: pause, go, faster, slower, speed SECONDS-A-SECOND, jump (to the next outbreak), quit");
    }

    /// The days up to the next planned outbreak are sent as fast as the server takes them.
    void jump() {
        wants_jump_ = false;
        moment_.paused = false;  // it lives through the days between
        settle();
        std::optional<city::Stream::Outbreak> next;
        for (const city::Stream::Outbreak& each : stream_.outbreaks()) {
            if (each.begins > static_cast<std::int64_t>(moment_.now) && (!next || each.begins < next->begins)) next = each;
        }
        if (!next) return say("no outbreak is planned in the days that this city still knows");
        say("to " + next->name);
        while (moment_.day + day_seconds <= next->begins && !stop_.asked()) {
            finish_day();
            if (!stop_.asked()) moment_.now = static_cast<double>(moment_.day);
            show();
        }
        if (stop_.asked()) return;
        moment_.now = static_cast<double>(next->begins);
        say("here it begins: " + next->name);
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
    Stop stop;  // before there is any other thread
    Carrier::Options ways;
    const auto server = parse_address(options.to, "--to");
    if (!server.ok()) return refused(server.outcome());
    ways.server = *server;
    if (!options.mllp.empty()) {
        const auto mllp = parse_address(options.mllp, "--mllp");
        if (!mllp.ok()) return refused(mllp.outcome());
        ways.mllp = *mllp;
    }
    ways.inbox = options.inbox;
    ways.token = options.token;
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
    ways.days_ahead = request->future_days + 1;
    Carrier carrier(std::move(ways));
    const std::string name =
        fmt::format("population {} seed {} years {} end {}", request->population, request->seed, request->years, request->end);
    Life life(*stream, carrier, stop, options, name);
    if (const auto begun = life.begin(); !begun.ok()) return refused(begun.outcome());
    return life.run();
}

}  // namespace xinglin::server
