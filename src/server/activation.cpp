// SPDX-License-Identifier: Apache-2.0
// Residents' accounts: a ticket for everyone, a code for whom the record knows.
#include "server/activation.h"

#include <algorithm>
#include <condition_variable>

#include "fhir/fhir.h"
#include "http/client.h"
#include "json/json.h"
#include "signature/signature.h"
#include "text/text.h"

namespace xinglin::server {

namespace {

constexpr std::int64_t code_ms = 10 * 60'000, asked_window_ms = 3'600'000;
constexpr std::size_t most_of_identity = 3, most_of_place = 20, most_waiting = 10'000, most_keys = 20'000;
constexpr int most_tries = 5;

class LogSender : public CodeSender {
public:
    explicit LogSender(Log& log) : log_(log) {}
    void send(const std::string& phone, const std::string& code) override {
        log_.warn("demo code",
                  {{"code", code}, {"phone_ends", phone.size() > 4 ? phone.substr(phone.size() - 4) : std::string()}});
    }

private:
    Log& log_;
};

class WebSender : public CodeSender {
public:
    WebSender(http::ClientOptions to, std::string target, Log& log) : to_(std::move(to)), target_(std::move(target)), log_(log) {}
    void send(const std::string& phone, const std::string& code) override {
        json::Arena arena;
        const std::string text = "您的健康档案激活码是 " + code + "，10 分钟内有效。非本人操作请忽略。";
        auto client = http::Client::connect(to_);
        const auto answer =
            client.ok() ? client->post(target_, "application/json",
                                       json::write(arena.object({{"phone", arena.string(phone)}, {"text", arena.string(text)}})))
                        : Result<http::Response>(client.outcome());
        if (!answer.ok()) log_.error("code not sent", {{"why", answer.outcome().issues.front().what}});
        else if (answer->status >= 300) log_.error("code not sent", {{"status", std::int64_t{answer->status}}});
    }

private:
    http::ClientOptions to_;
    std::string target_;
    Log& log_;
};

/// Six digits from the machine's randomness; the first 2^24 - 2^24 % 10^6 values only, so that none is likelier.
std::string six_digits() {
    for (;;) {
        const std::string bytes = signature::random_bytes(3);
        std::uint32_t value = 0;
        for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
        if (value >= 16'000'000) continue;
        std::string digits = std::to_string(value % 1'000'000);
        return std::string(6 - digits.size(), '0') + digits;
    }
}

std::string without_space(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 2'000)) {
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') out += c;
    }
    return out;
}

Outcome wrong() {
    return refuse(IssueCode::login, "code",
                  "the code is wrong or too old, or what was given does not fit our record; begin again, or go to a counter");
}

}  // namespace

std::unique_ptr<CodeSender> log_sender(Log& log) { return std::make_unique<LogSender>(log); }

Result<std::unique_ptr<CodeSender>> web_sender(std::string_view url, Log& log) {
    const auto no = [] { return refuse(IssueCode::value, "--codes-to", "expected http://host[:port]/path or https://…"); };
    http::ClientOptions to;
    to.tls = url.starts_with("https://");
    if (!to.tls && !url.starts_with("http://")) return no();
    url.remove_prefix(to.tls ? 8 : 7);
    const std::size_t slash = url.find('/');
    std::string_view host = url.substr(0, slash);
    to.port = to.tls ? 443 : 80;
    if (const auto colon = host.rfind(':'); colon != std::string_view::npos && host.find(']') == std::string_view::npos) {
        const int port = std::atoi(std::string(host.substr(colon + 1)).c_str());
        if (port < 1 || port > 65'535) return no();
        to.port = static_cast<std::uint16_t>(port);
        host = host.substr(0, colon);
    }
    if (host.empty()) return no();
    to.host = host;
    to.whole = std::chrono::seconds(20);
    return std::unique_ptr<CodeSender>(
        new WebSender(std::move(to), slash == std::string_view::npos ? "/" : std::string(url.substr(slash)), log));
}

Activation::Activation(record::Store& store, access::Accounts& accounts, card::Cards& cards, const person::Persons& persons,
                       const calendar::Clock& clock, std::unique_ptr<CodeSender> sender)
    : store_(store), accounts_(accounts), cards_(cards), persons_(persons), clock_(clock), sender_(std::move(sender)) {}

bool Activation::too_often(const std::string& key, std::size_t most, std::int64_t now_ms) {
    auto& times = asked_[key];
    std::erase_if(times, [&](std::int64_t at_ms) { return at_ms <= now_ms - asked_window_ms; });
    if (times.size() >= most) return true;
    times.push_back(now_ms);
    return false;
}

Result<std::string> Activation::ask(const Asked& given) {
    if (!sender_)
        return refuse(IssueCode::not_supported, "activation", "accounts are given at a counter here, bring an identity document");
    Asked asked{text::lower_ascii(without_space(given.identity)), without_space(given.card), given.peer};
    if (asked.identity.empty()) return refuse(IssueCode::required, "identity", "give the number of your identity document");
    if (asked.card.empty()) return refuse(IssueCode::required, "card", "give the number of your e-health card");
    const std::int64_t now_ms = clock_.now_ms();
    const std::string ticket = text::base64_url(signature::random_bytes(32));
    {
        const std::lock_guard lock(mutex_);
        if (asked_.size() > most_keys) asked_.clear();  // a flood: those who asked before are let off
        const bool by_place = too_often("p" + asked.peer, most_of_place, now_ms);
        const bool by_identity = too_often("i" + signature::sha256(asked.identity), most_of_identity, now_ms);
        if (by_place || by_identity)
            return refuse(IssueCode::throttled, "identity", "this was asked too often, wait an hour or go to a counter");
        std::erase_if(waiting_, [&](const auto& each) { return each.second.asked_ms <= now_ms - code_ms; });
        if (waiting_.size() >= most_waiting)
            return refuse(IssueCode::throttled, "activation", "too many people are asking, try again in a few minutes");
        waiting_[ticket] = {now_ms, 0, "", ""};
    }
    // Taken or not, the answer is the same; only the phone knows.
    (void)errands_.send([this, ticket, asked] { look_up(ticket, asked); });
    return ticket;
}

std::string Activation::patient_of(const Asked& asked) {
    if (const auto number = card::parse_number(asked.card)) {
        const auto card = cards_.card(*number);
        return card.ok() && card->state == "active" ? card->patient : "";
    }
    const std::string last_four = asked.identity.size() > 4 ? asked.identity.substr(asked.identity.size() - 4) : asked.identity;
    return cards_.scan(asked.card, {.who = "activation", .place = "", .checked = last_four}).patient;
}

/// The phone of the one whose identity number this is; "" when the record says otherwise.
std::string Activation::phone_of(const std::string& patient, const std::string& identity) {
    auto reader = store_.reader(access::Viewer::program("activation"));
    bool fits = false;
    std::string phone;
    for (const std::string& id : persons_.patients(patient)) {
        const auto version = reader.read(*fhir::find_resource("Patient"), id);
        if (!version.ok()) continue;
        json::Arena arena;
        const auto parsed = json::parse(version->body, arena);
        if (!parsed.ok() || (*parsed)["deceasedBoolean"].as_bool() || (*parsed)["deceasedDateTime"]) continue;
        for (const json::Node& node : (*parsed)["identifier"].items()) {
            const json::Value each(&node);
            fits = fits || (each["use"].string() != "old" && text::lower_ascii(each["value"].string()) == identity);
        }
        for (const json::Node& node : (*parsed)["telecom"].items()) {
            const json::Value each(&node);
            const std::string_view value = each["value"].string();
            const bool mobile = value.size() == 11 && value.front() == '1';
            if (each["system"].string() == "phone" && each["use"].string() != "old" && (phone.empty() || mobile)) phone = value;
        }
    }
    return fits ? phone : "";
}

void Activation::look_up(const std::string& ticket, const Asked& asked) {
    const std::string patient = patient_of(asked);
    const std::string phone = patient.empty() ? "" : phone_of(patient, asked.identity);
    if (phone.empty()) return;
    const std::string code = six_digits();
    {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(ticket);
        if (found == waiting_.end()) return;
        found->second.patient = patient;
        found->second.code_sha256 = signature::sha256(ticket + code);
    }
    sender_->send(phone, code);
}

Result<Activation::Done> Activation::finish(std::string_view ticket, std::string_view code, std::string_view name) {
    std::string patient;
    {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(std::string(ticket.substr(0, 200)));
        if (found == waiting_.end() || clock_.now_ms() - found->second.asked_ms >= code_ms) return wrong();
        if (++found->second.tries > most_tries) {
            waiting_.erase(found);
            return wrong();
        }
        const std::string typed = signature::sha256(std::string(found->first) + without_space(code));
        if (found->second.code_sha256.empty() || typed != found->second.code_sha256) return wrong();
        patient = found->second.patient;
    }
    const auto own = persons_.patients(patient);
    const auto is_own = [&](std::string_view scope) {
        return scope.starts_with("patient/") && std::find(own.begin(), own.end(), scope.substr(8)) != own.end();
    };
    Done done{"", "", patient, true};
    for (const auto& account : accounts_.list()) {
        if (account.role == "resident" && !account.disabled && is_own(account.scope)) done.name = account.name;
    }
    if (!done.name.empty()) {
        done.is_new = false;
        XINGLIN_TRY(done.password, accounts_.reset_password(done.name));
    } else {
        done.name = text::lower_ascii(name);
        XINGLIN_TRY(done.password, accounts_.add_user(done.name, access::Role::resident, "", {}, patient));
    }
    const std::lock_guard lock(mutex_);
    waiting_.erase(std::string(ticket));
    return done;
}

void Activation::settle() {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    const bool sent = errands_.send([&] {
        const std::lock_guard lock(mutex);
        done = true;
        changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done || !sent; });
}

}  // namespace xinglin::server
