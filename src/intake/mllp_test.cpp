// SPDX-License-Identifier: Apache-2.0
// The MLLP port under good and bad senders: every whole message is on disk before its acknowledgement, and nobody holds it up.
#include "intake/mllp.h"

#include <random>
#include <thread>

#include "hl7v2/hl7v2.h"
#include "http/client.h"
#include "intake/test_intake.h"

namespace xinglin::intake {
namespace {

/// Reads real headers, and makes a Patient of whatever it is.
Format headers_format() {
    Format format{.name = "hl7v2"};
    format.glance = [](std::string_view bytes) { return hl7v2::facts_of(bytes, {}); };
    format.convert = [](std::string_view bytes, const Source& source, std::string_view) -> Result<message::Converted> {
        XINGLIN_TRY(message::Facts facts, hl7v2::facts_of(bytes, source.sender()));
        if (bytes.find("BROKEN") != std::string_view::npos) return refuse(IssueCode::value, "PID-8", "is no sex of HL7");
        json::Arena arena;
        message::Draft draft(arena, source.sender(), facts);
        draft.put(message::stable_id(source.id, "Patient", facts.control_id),
                  arena.object({{"resourceType", arena.string("Patient")}}));
        return message::Converted{.facts = std::move(facts), .bundle = draft.bundle()};
    };
    return format;
}

std::string adt(std::string_view control, std::string_view facility = "H1", std::string_view more = "",
                std::string_view modes = "") {
    return fmt::format("MSH|^~\\&|HIS|{}|X|Y|20261122080000||ADT^A01|{}|P|2.5|||{}\rPID|1||MRN{}^^^H1||张^三|{}\r", facility,
                       control, modes, control, more);
}

class MllpTest : public ::testing::Test {
protected:
    void SetUp() override { open({}); }
    void TearDown() override {
        if (door) door->stop();
        house.close();
    }
    void open(MllpOptions options, std::string_view acknowledge = "received") {
        if (door) door->stop();
        door.reset();
        house.open();
        house.intake.reset();
        auto made = Intake::open({.data = house.folder.path()}, *house.record, *house.ingest, house.clock, house.content,
                                 {headers_format()});
        ASSERT_TRUE(made.ok());
        house.intake = std::move(*made);
        house.add("a", "mllp", "hl7v2", fmt::format(R"({{"senders":["HIS^H1"],"acknowledge":"{}"}})", acknowledge));
        door = std::make_unique<MllpDoor>(std::move(options), *house.intake, house.clock);
        ASSERT_TRUE(door->start().ok());
    }
    http::Client dial() const {
        auto client = http::Client::connect({.port = door->port(), .timeout = std::chrono::milliseconds(20'000)});
        if (!client.ok()) throw std::runtime_error(client.outcome().line());
        return std::move(*client);
    }
    /// The next `count` answers, without their frames.
    static std::vector<std::string> answers(http::Client& client, std::size_t count) {
        hl7v2::FrameReader reader;
        std::vector<std::string> all;
        while (all.size() < count) {
            const auto some = client.receive_some();
            if (!some.ok() || some->empty() || !reader.take(*some).ok()) break;
            while (auto one = reader.next()) all.push_back(std::move(*one));
        }
        return all;
    }
    static std::string msa(const std::string& answer) {
        const std::size_t at = answer.find("\rMSA|");
        return at == std::string::npos ? answer : answer.substr(at + 1, answer.find('\r', at + 1) - at - 1);
    }
    TestIntake house;
    std::unique_ptr<MllpDoor> door;
};

TEST_F(MllpTest, AcknowledgesWhatIsOnDisk) {
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1"))).ok());
    const auto answer = answers(client, 1);
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_THAT(msa(answer[0]), ::testing::StartsWith("MSA|AA|1"));
    ASSERT_TRUE(house.intake->settle(10));
    EXPECT_EQ(house.today().counts.stored, 1);
}

TEST_F(MllpTest, AnswersAPipelineInOrder) {
    auto client = dial();
    std::string all;
    for (int i = 0; i < 1'000; ++i) all += hl7v2::frame(i % 100 == 50 ? "MSH|nonsense\r" : adt(std::to_string(i)));
    std::jthread sends([&] { EXPECT_TRUE(client.send_raw(all).ok()); });
    const auto heard = answers(client, 1'000);
    ASSERT_EQ(heard.size(), 1'000u);
    for (int i = 0; i < 1'000; ++i) {
        if (i % 100 == 50) continue;
        EXPECT_THAT(msa(heard[static_cast<std::size_t>(i)]), ::testing::StartsWith("MSA|AA|" + std::to_string(i)));
    }
    ASSERT_TRUE(house.intake->settle(20));
    EXPECT_EQ(house.today().counts.stored, 990);
    EXPECT_EQ(house.today("unknown").counts.rejected, 1) << "ten times the same nonsense: nine are duplicates";
    EXPECT_EQ(house.today("unknown").counts.duplicate, 9);
}

TEST_F(MllpTest, TellsWhyWhenTheSourceWantsItStoredFirst) {
    open({}, "stored");
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1")) + hl7v2::frame(adt("2", "H1", "BROKEN"))).ok());
    const auto heard = answers(client, 2);
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_THAT(msa(heard[0]), ::testing::StartsWith("MSA|AA|1"));
    EXPECT_THAT(msa(heard[1]), ::testing::StartsWith("MSA|AE|2"));
}

TEST_F(MllpTest, SpeaksTheEnhancedMode) {
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1", "H1", "", "AL|AL"))).ok());
    const auto heard = answers(client, 2);
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_THAT(msa(heard[0]), ::testing::StartsWith("MSA|CA|1"));
    EXPECT_THAT(msa(heard[1]), ::testing::StartsWith("MSA|AA|1")) << "and once more when it is stored";
}

TEST_F(MllpTest, KeepsWhatStrangersSend) {
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1", "H99"))).ok());
    const auto heard = answers(client, 1);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_THAT(msa(heard[0]), ::testing::StartsWith("MSA|AE|1"));
    EXPECT_EQ(house.today("unknown").counts.rejected, 1);
}

TEST_F(MllpTest, GarbageEndsTheConnectionAfterTheAnswersOwed) {
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1")) + "GET / HTTP/1.1\r\n\r\n").ok());
    const auto heard = answers(client, 2);
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_THAT(msa(heard[0]), ::testing::StartsWith("MSA|AA|1"));
}

TEST_F(MllpTest, HalfAMessageIsNotReceivedAndDoesNotStay) {
    open({.silence = std::chrono::seconds(1)});
    auto client = dial();
    ASSERT_TRUE(client.send_raw("\x0b" + adt("1").substr(0, 40)).ok());
    const auto end = client.receive_some();
    EXPECT_TRUE(!end.ok() || end->empty());
    EXPECT_EQ(door->figures().broken_off, 1u);
    EXPECT_EQ(house.intake->find({}).total, 0);
}

TEST_F(MllpTest, AMessageWithoutEndIsCutOffAtItsLimit) {
    open({.message_bytes = 10'000});
    auto client = dial();
    (void)client.send_raw("\x0b" + std::string(100'000, 'x'));
    const auto end = client.receive_some();
    EXPECT_TRUE(!end.ok() || end->empty());
    EXPECT_EQ(house.intake->find({}).total, 0);
}

TEST_F(MllpTest, APeerThatNeverReadsHoldsNobodyUp) {
    open({.port = {.unsent_bytes = 20'000}, .unanswered = 16});
    auto deaf = dial();
    std::string many;
    for (int i = 0; i < 2'000; ++i) many += hl7v2::frame(adt("d" + std::to_string(i)));
    std::jthread sends([&] { (void)deaf.send_raw(many); });
    auto client = dial();
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(client.send_raw(hl7v2::frame(adt(std::to_string(i)))).ok());
        EXPECT_EQ(answers(client, 1).size(), 1u);
    }
    ASSERT_TRUE(house.intake->settle(30));
}

TEST_F(MllpTest, ADiskThatRefusesIsToldAndTheSenderSendsAgain) {
    house.add("a", "mllp", "hl7v2", R"({"senders":["HIS^H1"],"per_minute":1})");
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("1")) + hl7v2::frame(adt("2"))).ok());
    const auto heard = answers(client, 2);
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_THAT(msa(heard[1]), ::testing::StartsWith("MSA|AR|2")) << "not taken: over its quota";
    house.clock.move(60'000);
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("2"))).ok());
    EXPECT_THAT(msa(answers(client, 1).at(0)), ::testing::StartsWith("MSA|AA|2"));
}

// Seeded rubbish on many connections; good senders beside it lose nothing.
TEST_F(MllpTest, SurvivesRubbish) {
    std::mt19937_64 random(testing::seed());
    for (int round = 0; round < 60; ++round) {
        auto client = dial();
        std::string bytes;
        for (std::size_t i = random() % 40; i > 0; --i) {
            switch (random() % 5) {
                case 0: bytes += hl7v2::frame(adt(std::to_string(random() % 1'000))); break;
                case 1: bytes += "\x0b"; break;
                case 2: bytes += "\x1c\r"; break;
                case 3: bytes += std::string(random() % 200, static_cast<char>(random())); break;
                default: bytes += adt("x").substr(0, random() % 60); break;
            }
        }
        (void)client.send_raw(bytes);
    }
    auto client = dial();
    ASSERT_TRUE(client.send_raw(hl7v2::frame(adt("after"))).ok());
    EXPECT_EQ(answers(client, 1).size(), 1u);
    ASSERT_TRUE(house.intake->settle(20));
    for (const Source& source : house.intake->sources()) {
        if (house.intake->find({.source = source.id}).total > 0) (void)house.today(source.id);
    }
}

}  // namespace
}  // namespace xinglin::intake
