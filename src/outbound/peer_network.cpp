// SPDX-License-Identifier: Apache-2.0
// FHIR over HTTP and HL7 v2 over MLLP, with TLS or without.
#include <fmt/format.h>

#include "hl7v2/hl7v2.h"
#include "http/client.h"
#include "outbound/peer.h"
#include "outbound/receipt.h"
#include "text/text.h"

namespace xinglin::outbound {

namespace {

using Kind = Reply::Kind;
constexpr std::chrono::seconds rests{20};  // a connection unused for longer is made anew

/// What both have: one connection, kept as long as it holds.
class Connected : public Peer {
public:
    Connected(const Channel& channel, Surroundings around, std::function<bool()> gives_up)
        : channel_(channel), secrets_(around.secrets), networks_(around.networks), gives_up_(std::move(gives_up)) {}

    Result<Done> connect() override {
        if (channel_.login != "none") XINGLIN_CHECK(secrets_.read(channel_.secret));
        XINGLIN_TRY(http::ClientOptions options, this->options());
        XINGLIN_TRY(http::Client client, http::Client::connect(std::move(options)));
        (void)client;
        return Done{};
    }

protected:
    const Channel channel_;
    const Secrets& secrets_;
    const ReceiverNetworks& networks_;
    const std::function<bool()> gives_up_;
    std::optional<http::Client> client_;
    std::chrono::steady_clock::time_point used_{};

    bool has_rested() const { return !client_ || std::chrono::steady_clock::now() - used_ > rests; }
    /// Nothing when it is open.
    std::optional<Reply> open() {
        client_.reset();
        auto options = this->options();
        auto opened = options.ok() ? http::Client::connect(std::move(*options)) : Result<http::Client>(options.outcome());
        if (!opened.ok()) {
            const Issue& issue = opened.outcome().issues.front();
            return Reply{Kind::down, issue.code == IssueCode::transient ? "connection" : issue.where, issue.what};
        }
        client_.emplace(std::move(*opened));
        return std::nullopt;
    }

private:
    Result<http::ClientOptions> options() const {
        XINGLIN_TRY(const Address address, address_of(channel_));
        http::ClientOptions options;
        options.host = address.host;
        options.port = address.port;
        options.tls = address.tls;
        if (!channel_.authorities.empty()) {
            XINGLIN_TRY(options.authorities_file, secrets_.file(channel_.authorities));
        }
        if (!channel_.identity.empty()) {
            XINGLIN_TRY(options.identity_file, secrets_.file_of_key(channel_.identity));
        }
        options.timeout = std::chrono::seconds(channel_.timeout_seconds);
        options.whole = std::chrono::seconds(channel_.timeout_seconds);
        options.body_bytes = most_answer;
        options.admits = [this](std::string_view digits) { return networks_.admits(digits); };
        options.gives_up = gives_up_;
        return options;
    }
};

class FhirPeer : public Connected {
public:
    using Connected::Connected;

    Reply send(const Delivery& delivery, const Payload& payload) override {
        const auto request = request_of(delivery, payload);
        if (!request.ok()) return {Kind::down, request.outcome().issues.front().where, request.outcome().issues.front().what};
        const bool fresh = has_rested();
        if (fresh) {
            if (const auto reply = open()) return *reply;
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
        return http_receipt(*response, delivery, channel_.format == "transaction");
    }

private:
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
};

class MllpPeer : public Connected {
public:
    using Connected::Connected;

    Reply send(const Delivery& delivery, const Payload& payload) override {
        const bool fresh = has_rested();
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
                return message_receipt(*message, delivery.control_id);
            }
        }
    }
};

}  // namespace

std::unique_ptr<Peer> fhir_peer(const Channel& channel, Surroundings around, std::function<bool()> gives_up) {
    return std::make_unique<FhirPeer>(channel, around, std::move(gives_up));
}

std::unique_ptr<Peer> mllp_peer(const Channel& channel, Surroundings around, std::function<bool()> gives_up) {
    return std::make_unique<MllpPeer>(channel, around, std::move(gives_up));
}

std::unique_ptr<Peer> peer_of(const Channel& channel, Surroundings around, const std::filesystem::path& data,
                              std::function<bool()> gives_up) {
    if (channel.kind == "fhir") return fhir_peer(channel, around, std::move(gives_up));
    if (channel.kind == "mllp") return mllp_peer(channel, around, std::move(gives_up));
    return folder_peer(channel, data);
}

}  // namespace xinglin::outbound
