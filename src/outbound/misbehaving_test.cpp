// SPDX-License-Identifier: Apache-2.0
// Receivers as they are on bad days: none of them holds the house up, none makes it forget or believe what was not said.
#include <filesystem>
#include <fstream>

#include "http/port.h"
#include "outbound/test_outbound.h"
#include "text/text.h"

namespace xinglin::outbound {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Misbehaving : public ::testing::Test {
protected:
    void SetUp() override { house.open(); }
    Delivery only(const std::string& channel) {
        const auto all = house.deliveries(channel);
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Delivery{} : all.front();
    }
    /// One visit through MLLP to a peer; what became of it at once, without waiting.
    Delivery one_message(RawPeer::Answer answer, int hours = 0) {
        peer = std::make_unique<RawPeer>(std::move(answer));
        house.patient("a");
        house.add(mllp_channel("hospital", peer->port()));
        house.visit("v", "a", "in-progress");
        if (hours > 0) house.wait_out(hours);
        else EXPECT_TRUE(house.outbound->settle(60));
        return only("hospital");
    }
    Delivery one_request(Receiver::Answer answer, int hours = 0) {
        receiver = std::make_unique<Receiver>(std::move(answer));
        house.add(fhir_channel("province", receiver->port()));
        house.patient("a");
        if (hours > 0) house.wait_out(hours);
        else EXPECT_TRUE(house.outbound->settle(60));
        return only("province");
    }
    TestOutbound house;
    std::unique_ptr<RawPeer> peer;
    std::unique_ptr<Receiver> receiver;
};

TEST_F(Misbehaving, AGoodMllpPeerAcknowledgesAnAdmission) {
    const Delivery one = one_message([](const std::string& message, int) { return RawPeer::ack(message, "AA"); });
    EXPECT_EQ(one.state, State::acknowledged) << one.reason;
    EXPECT_THAT(one.receipt, HasSubstr("MSA|AA|" + one.control_id));
    EXPECT_EQ(RawPeer::field(peer->all().at(0), "MSH", 10), one.control_id);
    EXPECT_EQ(RawPeer::field(peer->all().at(0), "MSH", 9).substr(0, 3), "ADT");
}

TEST_F(Misbehaving, OneThatAnswersAeIsAskedAgainAndThenAPersonIs) {
    const Delivery one =
        one_message([](const std::string& message, int) { return RawPeer::ack(message, "AE", "", "no such ward"); }, 6);
    EXPECT_EQ(one.state, State::refused);
    EXPECT_EQ(one.attempts, 3);
    EXPECT_THAT(one.reason, HasSubstr("no such ward"));
    EXPECT_EQ(peer->all().size(), 3u);
    EXPECT_EQ(RawPeer::field(peer->all()[0], "MSH", 10), RawPeer::field(peer->all()[2], "MSH", 10));
    EXPECT_EQ(peer->all()[0], peer->all()[2]);  // byte for byte, so that a receiver knows it again
}

TEST_F(Misbehaving, OneThatAnswersArOnceTakesItTheNextTime) {
    const Delivery one =
        one_message([](const std::string& message, int number) { return RawPeer::ack(message, number < 2 ? "AR" : "AA"); }, 2);
    EXPECT_EQ(one.state, State::acknowledged);
    EXPECT_EQ(one.attempts, 2);
}

TEST_F(Misbehaving, AnAcknowledgementOfAnotherMessageIsNone) {
    const Delivery one =
        one_message([](const std::string& message, int) { return RawPeer::ack(message, "AA", "SOMETHING-ELSE"); });
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_EQ(one.where, "MSA-2");
    EXPECT_THAT(one.reason, HasSubstr("SOMETHING-ELSE"));
}

TEST_F(Misbehaving, OneThatNeverAnswersIsWaitedForInVain) {
    const Delivery one = one_message([](const std::string&, int) { return "…"; }, 3);
    EXPECT_EQ(one.state, State::waiting);  // it has answered nobody: that is no fault of the message
    EXPECT_EQ(one.where, "acknowledgement");
    EXPECT_EQ(house.outbound->health("hospital").at(0).state, "unreachable");
}

TEST_F(Misbehaving, AMessageThatAloneIsNeverAnsweredIsRefusedInTheEnd) {
    peer = std::make_unique<RawPeer>([](const std::string& message, int) {
        return RawPeer::field(message, "PID", 3).find("bad") != std::string::npos ? std::string("…")
                                                                                  : RawPeer::ack(message, "AA");
    });
    for (const char* id : {"bad", "good"})
        house.put(fmt::format(
            R"({{"resourceType":"Patient","id":"{}","identifier":[{{"value":"{}"}}],"name":[{{"family":"x"}}]}})", id, id));
    house.add(mllp_channel("hospital", peer->port()));
    house.visit("v1", "bad", "in-progress");
    for (int i = 0; i < 8; ++i) {
        house.visit(fmt::format("g{}", i), "good", "in-progress");
        house.wait_out(1);
    }
    EXPECT_EQ(house.states("hospital"), "acknowledged 8, refused 1");
}

TEST_F(Misbehaving, OneThatClosesHalfWayOrSendsNonsenseIsNoReceipt) {
    EXPECT_EQ(one_message([](const std::string&, int number) {
                  return number % 2 == 1 ? std::string() : std::string("\x0bMSH|^~\\&|half");
              }).state,
              State::waiting);
    peer.reset();
    peer = std::make_unique<RawPeer>([](const std::string&, int) { return "HTTP/1.1 400 Bad Request\r\n\r\n"; });
    house.add(mllp_channel("second", peer->port()));
    house.visit("w", "a", "in-progress");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_THAT(only("second").reason, HasSubstr("MLLP"));
    EXPECT_EQ(only("second").state, State::waiting);
}

TEST_F(Misbehaving, AServerThatFailsIsAskedAgainAndThenAPersonIs) {
    const Delivery one =
        one_request([](const http::Request&, int) { return http::Response::text(500, "text/plain", "oops"); }, 6);
    EXPECT_EQ(one.state, State::refused);
    EXPECT_EQ(one.attempts, 3);
    EXPECT_EQ(one.where, "HTTP 500");
}

TEST_F(Misbehaving, OneThatIsBusyIsLeftAloneAsLongAsItAsks) {
    const Delivery one = one_request([](const http::Request& request, int number) {
        if (number > 1) return Receiver::accept(request);
        auto response = http::Response::text(429, "text/plain", "slow down");
        response.headers.set("Retry-After", "7200");
        return response;
    });
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_EQ(one.attempts, 0);
    house.wait_out(1);
    EXPECT_EQ(receiver->all().size(), 1u);
    house.wait_out(2);
    EXPECT_EQ(receiver->all().size(), 2u);
    EXPECT_EQ(only("province").state, State::acknowledged);
}

TEST_F(Misbehaving, RedirectsAreNotFollowed) {
    const Delivery one = one_request(
        [](const http::Request&, int) {
            auto response = http::Response::text(307, "text/plain", "");
            response.headers.set("Location", "http://169.254.169.254/latest/meta-data");
            return response;
        },
        1);
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_THAT(one.reason, HasSubstr("redirects are not followed"));
    for (const http::Request& each : receiver->all()) EXPECT_EQ(each.path, "/fhir");
}

TEST_F(Misbehaving, AGoodStatusWithoutATransactionResponseIsNoReceipt) {
    const Delivery one =
        one_request([](const http::Request&, int) { return http::Response::text(200, "text/html", "<h1>welcome</h1>"); });
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_THAT(one.reason, HasSubstr("no transaction-response"));
}

TEST_F(Misbehaving, AnEntryThatWasNotStoredIsNoReceiptForTheOthers) {
    const Delivery one = one_request([](const http::Request&, int) {
        return http::Response::text(
            200, "application/fhir+json",
            R"({"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"422 Unprocessable"}}]})");
    });
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_EQ(one.where, "entry 1");
}

TEST_F(Misbehaving, AWrongPasswordWaitsForAnAdministratorAndLosesNothing) {
    const Delivery one = one_request(
        [](const http::Request& request, int) {
            return request.headers.get("Authorization") == "Bearer right"
                       ? Receiver::accept(request)
                       : http::Response::text(401, "text/plain", "who are you");
        },
        2);
    EXPECT_EQ(one.state, State::waiting);
    EXPECT_EQ(one.attempts, 0);
    std::filesystem::create_directories(house.folder.path() / "secrets");
    const auto file = house.folder.path() / "secrets" / "token";
    std::ofstream(file) << "right\n";
    const std::string login =
        fmt::format(R"({{"kind":"fhir","url":"http://127.0.0.1:{}/fhir","login":"bearer","secret":"token"}})", receiver->port());
    json::Arena arena;
    auto channel = read_channel(*json::parse(R"({"target":)" + login + "}", arena), *house.outbound->channel("province"));
    ASSERT_TRUE(channel.ok());
    ASSERT_TRUE(house.outbound->save(*channel, false, "admin").ok());
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_THAT(only("province").reason, HasSubstr("chmod 600"));  // others may read it
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    ASSERT_TRUE(house.outbound->save(*channel, false, "admin").ok());
    house.wait_out(1);
    EXPECT_EQ(only("province").state, State::acknowledged) << only("province").reason;
}

TEST_F(Misbehaving, NothingIsSentToTheMetadataOfACloud) {
    for (const char* url : {"http://169.254.169.254/fhir", "http://[::ffff:169.254.169.254]/fhir"}) {
        const auto refused = house.read(fmt::format(
            R"({{"id":"cloud","name":"n","target":{{"kind":"fhir","url":"{}"}},"filter":{{"types":[{{"type":"Patient"}}]}}}})",
            url));
        ASSERT_FALSE(refused.ok());
        EXPECT_EQ(refused.outcome().issues.front().where, "target.url");
        auto channel = house.read(fhir_channel("cloud", 80));
        channel->url = url;  // as a name would turn out to be
        const auto trial = house.outbound->try_out(*channel, "", "", true);
        EXPECT_FALSE(trial->reachable.value_or(true));
        EXPECT_THAT(trial->connection, HasSubstr("no receiver is"));
    }
}

TEST_F(Misbehaving, ATlsCertificateThatNobodyVouchesForIsNotTrusted) {
    const auto folder = house.folder.path();
    const std::string made = fmt::format(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
        "-keyout {0}/key.pem -out {0}/cert.pem 2>/dev/null",
        folder.string());
    ASSERT_EQ(std::system(made.c_str()), 0);
    Receiver secure([](const http::Request& request, int) { return Receiver::accept(request); },
                    {.tls_certificate = (folder / "cert.pem").string(), .tls_key = (folder / "key.pem").string()});
    const auto channel = [&](std::string_view more) {
        return fmt::format(
            R"({{"id":"province","name":"n","target":{{"kind":"fhir","url":"https://127.0.0.1:{}/fhir"{}}},"filter":{{"types":[{{"type":"Patient"}}]}}}})",
            secure.port(), more);
    };
    house.add(channel(""));
    house.patient("a");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_EQ(only("province").state, State::waiting);
    EXPECT_THAT(only("province").reason, HasSubstr("certificate"));
    EXPECT_TRUE(secure.all().empty());
    std::filesystem::create_directories(folder / "secrets");
    std::filesystem::copy_file(folder / "cert.pem", folder / "secrets" / "province-ca");
    house.add(channel(R"(,"authorities":"province-ca")"));
    house.wait_out(1);
    EXPECT_EQ(only("province").state, State::acknowledged) << only("province").reason;
}

/// Certificates as an institution has them: an authority, a receiver it vouches for, and us.
void make_certificates(const std::filesystem::path& folder) {
    const std::string script = fmt::format(
        "cd {} && mkdir -p secrets && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out "
        "ca.pem && for who in receiver us; do openssl req -newkey rsa:2048 -nodes -subj /CN=$who -addext "
        "subjectAltName=IP:127.0.0.1 -keyout $who.key -out $who.csr && openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key "
        "-days 2 -copy_extensions copy -out $who.pem || exit 1; done; cp ca.pem secrets/ca; cat us.pem us.key > secrets/us",
        folder.string());
    ASSERT_EQ(std::system(("(" + script + ") >/dev/null 2>&1").c_str()), 0);
}

/// An MLLP receiver with TLS that lets in only whom its authority vouches for.
class SecureHospital {
public:
    explicit SecureHospital(const std::filesystem::path& folder)
        : port_({.tls_certificate = folder / "receiver.pem",
                 .tls_key = folder / "receiver.key",
                 .tls_client_authorities = folder / "ca.pem"},
                [this](std::shared_ptr<http::Wire> wire) { return std::make_unique<Talk>(*this, std::move(wire)); }) {
        if (!port_.start().ok()) throw std::runtime_error("no port");
    }
    ~SecureHospital() { port_.stop(std::chrono::seconds(0)); }
    std::uint16_t port() const { return port_.port(); }
    int taken() const { return taken_; }

private:
    struct Talk : http::Talk {
        Talk(SecureHospital& house, std::shared_ptr<http::Wire> wire) : house(house), wire(std::move(wire)) {}
        void received(std::string_view bytes) override {
            if (!frames.take(bytes).ok()) return wire->end();
            while (const auto message = frames.next()) {
                ++house.taken_;
                wire->send(RawPeer::ack(*message, "AA"));
            }
        }
        bool keep(std::chrono::steady_clock::time_point) override { return true; }
        SecureHospital& house;
        std::shared_ptr<http::Wire> wire;
        hl7v2::FrameReader frames;
    };
    std::atomic<int> taken_{0};
    http::Port port_;
};

TEST_F(Misbehaving, AHospitalThatAsksForOurCertificateIsShownIt) {
    const auto folder = house.folder.path();
    make_certificates(folder);
    SecureHospital hospital(folder);
    const auto channel = [&](std::string_view more) {
        return fmt::format(
            R"({{"id":"hospital","name":"n","target":{{"kind":"mllp","url":"127.0.0.1:{}","tls":true,"authorities":"ca"{}}},
                "format":"hl7v2","filter":{{"types":[{{"type":"Encounter"}}]}}}})",
            hospital.port(), more);
    };
    house.patient("a");
    house.add(channel(""));
    house.visit("v", "a", "in-progress");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_EQ(only("hospital").state, State::waiting);
    EXPECT_THAT(house.outbound->health("hospital").at(0).why, HasSubstr("certificate"));
    house.add(channel(R"(,"identity":"us")"));  // a key that everybody may read is not used
    house.wait_out(1);
    EXPECT_THAT(only("hospital").reason, HasSubstr("chmod 600"));
    std::filesystem::permissions(folder / "secrets" / "us", std::filesystem::perms::owner_read);
    std::filesystem::copy_file(folder / "secrets" / "ca", folder / "secrets" / "no-key");
    std::filesystem::permissions(folder / "secrets" / "no-key", std::filesystem::perms::owner_read);
    house.add(channel(R"(,"identity":"no-key")"));
    house.wait_out(1);
    EXPECT_THAT(only("hospital").reason, HasSubstr("private key"));
    EXPECT_EQ(hospital.taken(), 0);
    house.add(channel(R"(,"identity":"us")"));
    house.wait_out(1);
    EXPECT_EQ(only("hospital").state, State::acknowledged) << only("hospital").reason;
    EXPECT_EQ(hospital.taken(), 1);
    EXPECT_FALSE(house.read(channel(R"(,"identity":"../us")")).ok());
}

TEST_F(Misbehaving, AMessageInGb18030SaysSoAndIsReadBack) {
    peer = std::make_unique<RawPeer>([](const std::string& message, int) { return RawPeer::ack(message, "AA"); });
    house.patient("a", "龘𬱖");  // beyond GBK: four bytes each, or two
    house.add(mllp_channel("hospital", peer->port(), R"(,"transform":{"encoding":"GB18030"})"));
    house.visit("v", "a", "in-progress");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_EQ(only("hospital").state, State::acknowledged) << only("hospital").reason;
    const std::string bytes = peer->all().at(0);
    EXPECT_FALSE(text::is_utf8(bytes));
    const auto read = hl7v2::read(bytes, {});
    ASSERT_TRUE(read.ok()) << read.outcome().line();
    EXPECT_EQ(read->encoding, "GB18030");
    EXPECT_EQ(read->field(*read->find("MSH"), 18), "GB 18030-2000");
    EXPECT_THAT(std::string(read->field(*read->find("PID"), 5)), HasSubstr("龘𬱖"));
}

TEST_F(Misbehaving, AFolderThatCannotBeWrittenWaitsUntilItCan) {
    std::ofstream(house.folder.path() / "outbox") << "in the way";  // as a full or broken disk would be
    house.patient("a");
    house.add(csv_channel("insurance"));
    house.visit("v", "a");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_EQ(only("insurance").state, State::waiting);
    EXPECT_EQ(only("insurance").where, "target.folder");
    EXPECT_EQ(house.outbound->health("insurance").at(0).state, "unreachable");
    std::filesystem::remove(house.folder.path() / "outbox");
    house.wait_out(1);
    EXPECT_EQ(only("insurance").state, State::acknowledged);
}

TEST_F(Misbehaving, AResourceThatCannotBeSaidInTheFormatIsRefusedWithItsReasonAndHoldsNobodyUp) {
    peer = std::make_unique<RawPeer>([](const std::string& message, int) { return RawPeer::ack(message, "AA"); });
    house.patient("a");
    house.add(mllp_channel("hospital", peer->port()));
    house.put(R"({"resourceType":"Encounter","id":"nobody","status":"in-progress","class":{"code":"IMP"}})");
    house.visit("v", "a", "in-progress");
    ASSERT_TRUE(house.outbound->settle(60));
    EXPECT_EQ(house.states("hospital"), "acknowledged 1, refused 1");
    EXPECT_FALSE(house.outbound->find({.channel = "hospital", .state = State::refused}).deliveries.at(0).reason.empty());
}

}  // namespace

}  // namespace xinglin::outbound
