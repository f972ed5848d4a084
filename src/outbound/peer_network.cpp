// SPDX-License-Identifier: Apache-2.0
// FHIR over HTTP and HL7 v2 over MLLP.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "hl7v2/hl7v2.h"
#include "http/client.h"
#include "outbound/peer.h"
#include "text/text.h"

namespace xinglin::outbound {

namespace {

using Kind = Reply::Kind;
constexpr std::size_t most_answer = 16u << 20;
constexpr std::size_t most_ack = 1u << 20;
constexpr std::chrono::seconds rests{20};  // a connection unused for longer is made anew

/// A line of what the receiver said, for people: cut, without control characters.
std::string said(std::string_view text, std::size_t most = 300) {
    std::string out(text.substr(0, most));
    while (!out.empty() && !text::is_utf8(out)) {
        if (out.size() + 4 < std::min(text.size(), most)) return "(unreadable)";
        out.pop_back();
    }
    std::replace_if(
        out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
    return out;
}

Result<http::ClientOptions> options_of(const Channel& channel, const Secrets& secrets, const std::function<bool()>& gives_up) {
    XINGLIN_TRY(const Address address, address_of(channel));
    http::ClientOptions options;
    options.host = address.host;
    options.port = address.port;
    options.tls = address.tls;
    if (!channel.authorities.empty()) {
        XINGLIN_TRY(options.authorities_file, secrets.file(channel.authorities));
    }
    options.timeout = std::chrono::seconds(channel.timeout_seconds);
    options.whole = std::chrono::seconds(channel.timeout_seconds);
    options.body_bytes = most_answer;
    options.admits = [](std::string_view digits) { return admits(digits); };
    options.gives_up = gives_up;
    return options;
}

/// Of an OperationOutcome: its issues in a line; else the beginning of the body.
std::string words_of(const http::Response& response) {
    json::Arena arena;
    const auto body = json::parse(response.body, arena, {.depth = 60, .bytes = most_answer});
    if (!body.ok() || (*body)["resourceType"].string() != "OperationOutcome")
        return response.headers.get("Content-Type").find("html") == std::string_view::npos ? said(response.body) : "an HTML page";
    std::string all;
    for (const json::Node& node : (*body)["issue"].items()) {
        const json::Value issue(&node);
        std::string_view words = issue["diagnostics"].string();
        if (words.empty()) words = issue["details"]["text"].string();
        if (words.empty()) words = issue["code"].string();
        all += (all.empty() ? "" : "; ") + said(words);
        if (all.size() > 600) break;
    }
    return all;
}

std::int64_t retry_after(const http::Response& response) {
    const std::string_view text = response.headers.get("Retry-After");
    std::int64_t seconds = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return 0;
    return std::clamp<std::int64_t>(seconds, 0, 86'400) * 1'000;
}

class FhirPeer : public Peer {
public:
    FhirPeer(const Channel& channel, const Secrets& secrets, std::function<bool()> gives_up)
        : channel_(channel), secrets_(secrets), gives_up_(std::move(gives_up)) {}

    Result<Done> connect() override {
        XINGLIN_TRY(http::ClientOptions options, options_of(channel_, secrets_, gives_up_));
        if (channel_.login != "none") XINGLIN_CHECK(secrets_.read(channel_.secret));
        XINGLIN_TRY(http::Client client, http::Client::connect(std::move(options)));
        (void)client;
        return Done{};
    }

    Reply send(const Delivery& delivery, const Payload& payload) override {
        const auto request = request_of(delivery, payload);
        if (!request.ok()) return {Kind::down, request.outcome().issues.front().where, request.outcome().issues.front().what};
        const bool fresh = !client_ || std::chrono::steady_clock::now() - used_ > rests;
        if (fresh) {
            client_.reset();
            const auto reply = open();
            if (reply) return *reply;
        }
        client_->begin();
        auto response = client_->send(*request);
        if (!response.ok() && !fresh) {  // it had closed a connection that rested: it counts by control id if it has it twice
            if (const auto reply = open()) return *reply;
            response = client_->send(*request);
        }
        used_ = std::chrono::steady_clock::now();
        if (!response.ok()) {
            client_.reset();
            const Issue& issue = response.outcome().issues.front();
            return {issue.code == IssueCode::transient ? Kind::silent : Kind::failed, "answer", issue.what};
        }
        if (response->headers.get("Connection") == "close") client_.reset();
        return judge(*response, delivery);
    }

private:
    const Channel channel_;
    const Secrets& secrets_;
    const std::function<bool()> gives_up_;
    std::optional<http::Client> client_;
    std::chrono::steady_clock::time_point used_{};

    /// Nothing when it is open.
    std::optional<Reply> open() {
        client_.reset();
        auto options = options_of(channel_, secrets_, gives_up_);
        auto opened = options.ok() ? http::Client::connect(std::move(*options)) : Result<http::Client>(options.outcome());
        if (!opened.ok()) {
            const Issue& issue = opened.outcome().issues.front();
            return Reply{Kind::down, issue.code == IssueCode::transient ? "connection" : issue.where, issue.what};
        }
        client_.emplace(std::move(*opened));
        return std::nullopt;
    }

    Result<http::Request> request_of(const Delivery& delivery, const Payload& payload) const {
        XINGLIN_TRY(const Address address, address_of(channel_));
        http::Request request;
        request.method = "POST";
        request.target = address.path.empty() ? "/" : address.path;
        if (channel_.format == "document") request.target = address.path + "/Bundle";
        request.headers.add("Content-Type", payload.content_type);
        request.headers.add("Accept", "application/fhir+json");
        request.headers.add("X-Request-Id", delivery.control_id);
        request.headers.add("Idempotency-Key", delivery.control_id);
        if (channel_.login != "none") {
            XINGLIN_TRY(const std::string secret, secrets_.read(channel_.secret));
            request.headers.add("Authorization",
                                channel_.login == "bearer" ? "Bearer " + secret : "Basic " + text::base64(secret));
        }
        request.body = payload.bytes;
        return request;
    }

    Reply judge(const http::Response& response, const Delivery& delivery) const {
        const int status = response.status;
        Reply reply{.where = fmt::format("HTTP {}", status), .receipt = fmt::format("HTTP {}", status)};
        if (status >= 200 && status < 300) return channel_.format == "transaction" ? entries(response, delivery, reply) : reply;
        const std::string words = words_of(response);
        reply.receipt += words.empty() ? "" : ": " + words;
        reply.retry_after_ms = retry_after(response);
        reply.reason = words.empty() ? "the receiver gave no reason" : words;
        if (status >= 300 && status < 400) {
            reply.reason = "the receiver sends elsewhere (" + said(response.headers.get("Location"), 200) +
                           "); redirects are not followed, write the right address into the channel";
            reply.kind = Kind::down;
        } else if (status == 429 || status == 503 || status == 502 || status == 504) {
            reply.kind = Kind::down;
        } else if (status == 401 || status == 403 || status == 404 || status == 405) {
            reply.kind = Kind::down;  // about the address or the login, not about the delivery
        } else if (status >= 500 || status == 408 || status == 409 || status == 425) {
            reply.kind = Kind::failed;
        } else {
            reply.kind = Kind::refused;
        }
        return reply;
    }

    /// Every entry of a transaction must be answered, and well.
    Reply entries(const http::Response& response, const Delivery& delivery, Reply reply) const {
        json::Arena arena;
        const auto body = json::parse(response.body, arena, {.depth = 60, .bytes = most_answer});
        if (!body.ok() || (*body)["resourceType"].string() != "Bundle" || (*body)["type"].string() != "transaction-response") {
            reply.kind = Kind::failed;
            reply.reason = "answered " + std::to_string(response.status) +
                           " with something that is no transaction-response; is a FHIR server there?";
            return reply;
        }
        std::size_t number = 0;
        for (const json::Node& node : (*body)["entry"].items()) {
            const std::string_view status = json::Value(&node)["response"]["status"].string();
            ++number;
            if (status.starts_with("2")) continue;
            reply.kind = Kind::failed;
            reply.where = fmt::format("entry {}", number);
            reply.reason = "was answered " + said(status, 60);
            return reply;
        }
        if (number == 0 || number > static_cast<std::size_t>(std::max<std::int64_t>(delivery.items, 1))) {
            reply.kind = Kind::failed;
            reply.reason = fmt::format("answered {} entries for {} sent", number, delivery.items);
            return reply;
        }
        reply.receipt += fmt::format(", {} entries", number);
        return reply;
    }
};

class MllpPeer : public Peer {
public:
    MllpPeer(const Channel& channel, const Secrets& secrets, std::function<bool()> gives_up)
        : channel_(channel), secrets_(secrets), gives_up_(std::move(gives_up)) {}

    Result<Done> connect() override {
        XINGLIN_TRY(http::ClientOptions options, options_of(channel_, secrets_, gives_up_));
        XINGLIN_TRY(http::Client client, http::Client::connect(std::move(options)));
        (void)client;
        return Done{};
    }

    Reply send(const Delivery& delivery, const Payload& payload) override {
        const bool fresh = !client_ || std::chrono::steady_clock::now() - used_ > rests;
        if (fresh) {
            if (const auto reply = open()) return *reply;
        }
        Reply reply = exchange(delivery, payload);
        if (!fresh && reply.kind == Kind::silent && reply.where == "connection") {  // closed while it rested
            if (const auto again = open()) return *again;
            reply = exchange(delivery, payload);
        }
        used_ = std::chrono::steady_clock::now();
        if (reply.kind == Kind::silent || reply.kind == Kind::failed) client_.reset();  // what comes late is not for the next one
        return reply;
    }

private:
    const Channel channel_;
    const Secrets& secrets_;
    const std::function<bool()> gives_up_;
    std::optional<http::Client> client_;
    std::chrono::steady_clock::time_point used_{};

    std::optional<Reply> open() {
        client_.reset();
        auto options = options_of(channel_, secrets_, gives_up_);
        auto opened = options.ok() ? http::Client::connect(std::move(*options)) : Result<http::Client>(options.outcome());
        if (!opened.ok()) {
            const Issue& issue = opened.outcome().issues.front();
            return Reply{Kind::down, issue.code == IssueCode::transient ? "connection" : issue.where, issue.what};
        }
        client_.emplace(std::move(*opened));
        return std::nullopt;
    }

    Reply exchange(const Delivery& delivery, const Payload& payload) {
        client_->begin();
        if (const auto sent = client_->send_raw(hl7v2::frame(payload.bytes)); !sent.ok())
            return {Kind::silent, "connection", sent.outcome().issues.front().what};
        hl7v2::FrameReader frames(most_ack);
        for (;;) {
            const auto bytes = client_->receive_some();
            if (!bytes.ok()) return {Kind::silent, "acknowledgement", bytes.outcome().issues.front().what};
            if (bytes->empty())
                return {Kind::silent, "connection", "the receiver closed the connection before its acknowledgement was complete"};
            if (const auto taken = frames.take(*bytes); !taken.ok())
                return {Kind::failed, "acknowledgement", "is no MLLP: " + taken.outcome().issues.front().what};
            if (const auto message = frames.next()) {
                if (frames.waiting() > 0 || frames.next()) client_.reset();  // more than was asked for: begin anew
                return judge(*message, delivery);
            }
        }
    }

    static Reply judge(std::string_view bytes, const Delivery& delivery) {
        const auto ack = hl7v2::read(bytes, {});
        if (!ack.ok()) return {Kind::failed, "acknowledgement", "cannot be read: " + said(ack.outcome().line())};
        const hl7v2::Segment* msa = ack->find("MSA");
        if (msa == nullptr) return {Kind::failed, "acknowledgement", "has no MSA segment"};
        const std::string code(ack->field(*msa, 1)), id(ack->field(*msa, 2));
        std::string words = hl7v2::unescape(ack->field(*msa, 3), ack->delimiters);
        if (const hl7v2::Segment* error = ack->find("ERR")) {
            for (const std::uint32_t field : {8u, 7u, 3u, 1u}) {
                if (!words.empty()) break;
                words = hl7v2::unescape(ack->field(*error, field), ack->delimiters);
            }
        }
        Reply reply{.where = "MSA-1",
                    .reason = said(words),
                    .receipt = fmt::format("MSA|{}|{}|{}", said(code, 8), said(id, 60), said(words))};
        if (id != delivery.control_id) {
            reply.kind = Kind::failed;
            reply.where = "MSA-2";
            reply.reason = fmt::format("acknowledges {}, not {}", id.empty() ? "(nothing)" : said(id, 60), delivery.control_id);
        } else if (code == "AA" || code == "CA") {
            reply.kind = Kind::accepted;
        } else {  // AE and AR alike: receivers say either when their database is away for a minute
            reply.kind = Kind::failed;
            if (code != "AE" && code != "CE" && code != "AR" && code != "CR")
                reply.reason = "is " + said(code, 8) + ", no code that HL7 knows";
        }
        if (reply.kind != Kind::accepted && reply.reason.empty())
            reply.reason = "the receiver gave no reason with its " + said(code, 8);
        return reply;
    }
};

}  // namespace

std::unique_ptr<Peer> fhir_peer(const Channel& channel, const Secrets& secrets, std::function<bool()> gives_up) {
    return std::make_unique<FhirPeer>(channel, secrets, std::move(gives_up));
}

std::unique_ptr<Peer> mllp_peer(const Channel& channel, const Secrets& secrets, std::function<bool()> gives_up) {
    return std::make_unique<MllpPeer>(channel, secrets, std::move(gives_up));
}

std::unique_ptr<Peer> peer_of(const Channel& channel, const Secrets& secrets, const std::filesystem::path& data,
                              std::function<bool()> gives_up) {
    if (channel.kind == "fhir") return fhir_peer(channel, secrets, std::move(gives_up));
    if (channel.kind == "mllp") return mllp_peer(channel, secrets, std::move(gives_up));
    return folder_peer(channel, data);
}

}  // namespace xinglin::outbound
