// SPDX-License-Identifier: Apache-2.0
// Starting, refusing to start, TLS, and stopping while there is work.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <future>

#include "http/test_server.h"
#include "testing/testing.h"

namespace xinglin::http {
namespace {

Handler hello() {
    return [](Request, Respond respond) { respond(Response::text(200, "text/plain", "hello")); };
}

std::string refusal(ServerOptions options) {
    Server server(std::move(options), hello());
    const auto started = server.start();
    EXPECT_FALSE(started.ok());
    return started.ok() ? "" : started.outcome().line();
}

/// A key and a certificate for 127.0.0.1, signed by itself, as two PEM files.
void write_certificate(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_EXTENSION* address = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, address, -1);
    X509_EXTENSION_free(address);
    X509_sign(certificate, key, EVP_sha256());
    FILE* file = std::fopen(certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

TEST(Life, RefusesAPortInUse) {
    TestServer server;
    const std::string line = refusal({.port = server->port()});
    EXPECT_EQ(line,
              fmt::format("--port: port {} on 127.0.0.1 is already in use; stop the program that holds it or choose another port",
                          server->port()));
}

TEST(Life, RefusesAnAddressThatIsNotOurs) {
    EXPECT_TRUE(refusal({.bind = "192.0.2.1", .port = 0}).starts_with("--bind: 192.0.2.1 is not an address of this machine"));
    EXPECT_TRUE(refusal({.bind = "not an address", .port = 0}).starts_with("--bind: \"not an address\" is not an IP address"));
}

TEST(Life, RefusesCertificatesItCannotUse) {
    const testing::ScratchFolder folder;
    const std::string good = folder.path() / "good.pem", key = folder.path() / "key.pem",
                      other_key = folder.path() / "other-key.pem";
    const std::string rubbish = folder.path() / "rubbish.pem", missing = folder.path() / "missing.pem";
    write_certificate(folder.path() / "other.pem", other_key);
    write_certificate(good, key);
    std::ofstream(rubbish) << "rubbish";
    const auto line = [](const std::string& certificate, const std::string& key_file) {
        return refusal({.port = 0, .tls_certificate = certificate, .tls_key = key_file});
    };
    EXPECT_TRUE(line(good, "").starts_with("--tls-key: a certificate is given without its key"));
    EXPECT_TRUE(line("", key).starts_with("--tls-certificate: a key is given without its certificate"));
    EXPECT_TRUE(line(missing, key).starts_with("--tls-certificate: " + missing + " cannot be read"));
    EXPECT_TRUE(line(good, missing).starts_with("--tls-key: " + missing + " cannot be read"));
    EXPECT_TRUE(line(rubbish, key).starts_with("--tls-certificate: " + rubbish + " is not a certificate chain in PEM"));
    EXPECT_TRUE(line(good, rubbish).starts_with("--tls-key: " + rubbish + " is not"));
    EXPECT_TRUE(line(good, other_key).starts_with("--tls-key: " + other_key)) << line(good, other_key);
    for (const std::string& text : {line(good, ""), line(rubbish, key), line(good, other_key)})
        EXPECT_EQ(text.find('\n'), std::string::npos);
}

class Tls : public ::testing::Test {
protected:
    Tls() {
        write_certificate(folder_.path() / "certificate.pem", folder_.path() / "key.pem");
        options_.tls_certificate = folder_.path() / "certificate.pem";
        options_.tls_key = folder_.path() / "key.pem";
        options_.header_timeout = std::chrono::seconds(1);
    }
    testing::ScratchFolder folder_;
    ServerOptions options_;
};

TEST_F(Tls, SpeaksTls13AndProvesItsName) {
    TestServer server(options_);
    auto connected =
        Client::connect({.port = server->port(), .tls = true, .authorities_file = folder_.path() / "certificate.pem"});
    ASSERT_TRUE(connected.ok()) << connected.outcome().line();
    Client client = std::move(connected).value();
    EXPECT_EQ(client.tls_version(), "TLSv1.3");
    EXPECT_TRUE(client.get("/describe")->body.ends_with("|https"));
    EXPECT_EQ(client.get("/huge")->body.size(), 20u << 20);
    EXPECT_EQ(client.post("/size", "text/plain", std::string(3'000'000, 'x'))->body, "3000000");
    std::string batch;
    for (int i = 0; i < 100; ++i) batch += fmt::format("GET /{}?{} HTTP/1.1\r\nHost: x\r\n\r\n", i % 2 == 0 ? "echo" : "slow", i);
    ASSERT_TRUE(client.send_raw(batch).ok());
    for (int i = 0; i < 100; ++i) EXPECT_EQ(client.receive()->body, fmt::format("GET /{} {} ", i % 2 == 0 ? "echo" : "slow", i));
}

TEST_F(Tls, AsksClientsForACertificateAndKnowsWhichTheyShowed) {
    options_.tls_asks_clients = true;
    options_.port = 0;
    Server server(options_,
                  [](Request request, Respond respond) { respond(Response::text(200, "text/plain", request.certificate)); });
    ASSERT_TRUE(server.start().ok());
    const std::string mine = folder_.path() / "client.pem", mine_key = folder_.path() / "client-key.pem";
    write_certificate(mine, mine_key);
    std::ofstream(mine, std::ios::app) << std::ifstream(mine_key).rdbuf();
    const auto shown = [&](const std::string& identity) {
        auto client = Client::connect({.port = server.port(), .tls = true, .verify = false, .identity_file = identity});
        EXPECT_TRUE(client.ok());
        const std::string first = client->get("/")->body;
        EXPECT_EQ(client->get("/")->body, first) << "the second request of a connection as the first";
        return first;
    };
    EXPECT_EQ(shown("").size(), 0u);
    EXPECT_EQ(shown(mine).size(), 32u);
    EXPECT_EQ(shown(mine), shown(mine));
}

TEST_F(Tls, IsNotTrustedWithoutItsAuthority) {
    TestServer server(options_);
    EXPECT_FALSE(Client::connect({.port = server->port(), .tls = true}).ok());
}

TEST_F(Tls, ClosesOnThoseWhoSpeakPlainOrSayNothing) {
    TestServer server(options_);
    Client plain = server.client(), silent = server.client();
    EXPECT_FALSE(plain.get("/echo").ok());
    EXPECT_TRUE(silent.is_closed_by_server());
}

TEST(Life, FinishesWhatItTookWhenStopped) {
    std::promise<void> taken, go_on;
    Server server({.port = 0, .worker_threads = 1}, [&](Request request, Respond respond) {
        if (request.query == "0") {
            taken.set_value();
            go_on.get_future().wait();
        }
        respond(Response::text(200, "text/plain", request.query));
    });
    ASSERT_TRUE(server.start().ok());
    Client busy = Client::connect({.port = server.port()}).value(), idle = Client::connect({.port = server.port()}).value();
    EXPECT_EQ(idle.get("/?idle")->status, 200);
    ASSERT_TRUE(busy.send_raw("GET /?0 HTTP/1.1\r\nHost: x\r\n\r\nGET /?1 HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    taken.get_future().wait();
    ASSERT_TRUE(TestServer::eventually([&] { return server.figures().requests_in_flight == 2; }));

    std::thread stopping([&] { server.stop(); });
    EXPECT_TRUE(idle.is_closed_by_server());
    EXPECT_TRUE(TestServer::eventually([&] { return !Client::connect({.port = server.port()}).ok(); }));
    go_on.set_value();
    const Response first = *busy.receive(), second = *busy.receive();
    EXPECT_EQ(first.body, "0");
    EXPECT_FALSE(first.headers.has("Connection"));
    EXPECT_EQ(second.body, "1");
    EXPECT_EQ(second.headers.get("Connection"), "close");
    EXPECT_TRUE(busy.is_closed_by_server());
    stopping.join();
    server.stop();
    EXPECT_EQ(server.figures().connections_open, 0u);
    EXPECT_EQ(server.figures().requests_in_flight, 0u);
}

TEST(Life, DropsEverythingWhenStoppedAtOnceEvenDuringAPatientStop) {
    TestServer server;
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("GET /held HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    server.wait_for_held(1);
    std::thread patient([&] { server->stop(); });
    server->stop(true);
    patient.join();
    EXPECT_FALSE(client.receive().ok());
}

TEST(Life, LosesPatienceWithAHandlerThatNeverAnswers) {
    TestServer server({.stop_timeout = std::chrono::seconds(1)});
    Client client = server.client();
    ASSERT_TRUE(client.send_raw("GET /held HTTP/1.1\r\nHost: x\r\n\r\n").ok());
    server.wait_for_held(1);
    server->stop();
    EXPECT_FALSE(client.receive().ok());
}

TEST(Life, StopsUnderLoadWithoutCuttingAnAnswer) {
    auto server = std::make_unique<TestServer>();
    std::atomic<int> answered{0}, wrong{0};
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
        clients.emplace_back([&, port = (*server)->port()] {
            auto client = Client::connect({.port = port});
            for (int i = 0; client.ok(); ++i) {
                const auto response = client.value().get(i % 2 == 0 ? "/echo" : "/slow");
                if (!response.ok()) return;
                ++(response.value().status == 200 ? answered : wrong);
            }
        });
    }
    EXPECT_TRUE(TestServer::eventually([&] { return answered > 200; }));
    (*server)->stop();
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GE((*server)->figures().by_status_class[2], static_cast<std::uint64_t>(answered.load()));
}

TEST(Client, ConnectsAgainWhenAKeptConnectionWasClosedMeanwhile) {
    ServerOptions options;
    options.idle_timeout = std::chrono::seconds(1);
    TestServer server(std::move(options));
    Client client = server.client();
    EXPECT_EQ(client.get("/echo")->status, 200);
    ASSERT_TRUE(TestServer::eventually([&] { return server->figures().connections_open == 0; }));
    EXPECT_EQ(client.get("/echo")->status, 200);
    EXPECT_EQ(client.get("/goodbye")->status, 200);
    EXPECT_EQ(client.post("/echo", "text/plain", "x")->status, 200);
    EXPECT_EQ(server->figures().connections_total, 3u);
}

TEST(Client, SaysWhatIsWrongWhenNobodyIsThere) {
    std::uint16_t port = 0;
    {
        TestServer server;
        port = server->port();
    }
    const auto refused = Client::connect({.port = port});
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.outcome().line().find("is the server running?"), std::string::npos);
    EXPECT_EQ(refused.outcome().code(), IssueCode::transient);
    TestServer server;
    Client client = server.client(std::chrono::milliseconds(100));
    EXPECT_EQ(client.get("/held").outcome().line(), "server: no answer in time");
}

TEST(Life, CanBeStoppedBeforeItStarts) {
    Server server({.port = 0}, hello());
    server.stop();
    server.stop(true);
    EXPECT_EQ(server.port(), 0);
    EXPECT_EQ(server.figures().requests_total, 0u);
}

}  // namespace
}  // namespace xinglin::http
