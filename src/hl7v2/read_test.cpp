// SPDX-License-Identifier: Apache-2.0
// Reading: delimiters, line ends, character sets, escapes, frames; and what is refused, with its place.
#include <gtest/gtest.h>

#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"

namespace xinglin::hl7v2 {
namespace {

const message::Sender sender{.id = "clinic"};
constexpr std::string_view header = "MSH|^~\\&|LIS|县医院|HIS|县医院|20261122081500||ADT^A01^ADT_A01|M1|P|2.4";

std::string refusal(std::string_view bytes) {
    const auto message = read(bytes, sender);
    return message.ok() ? "" : message.outcome().line();
}

TEST(Read, CutsSegmentsAtCarriageReturnsLineFeedsAndBothMixed) {
    const std::string text = std::string(header) + "\rEVN|A01\r\nPID|1||7\n\nPV1|1|I\r";
    const auto message = read(text, sender);
    ASSERT_TRUE(message.ok()) << message.outcome().line();
    ASSERT_EQ(message->segments.size(), 4u);
    EXPECT_EQ(message->field(message->segments[2], 3), "7");
    EXPECT_EQ(message->field(message->segments[0], 1), "|");
    EXPECT_EQ(message->field(message->segments[0], 2), "^~\\&");
    EXPECT_EQ(message->field(message->segments[0], 9), "ADT^A01^ADT_A01");
    EXPECT_EQ(message->field(message->segments[0], 99), "");
}

TEST(Read, TakesAnyDelimitersThatMsh1And2Name) {
    const auto message = read("MSH#*@!%~#a#b#c#d#20261122##ADT*A01#1#P#2.7\rPID#1##12*x@13", sender);
    ASSERT_TRUE(message.ok()) << message.outcome().line();
    EXPECT_EQ(message->delimiters.component, '*');
    EXPECT_EQ(message->delimiters.repetition, '@');
    EXPECT_EQ(message->delimiters.escape, '!');
    EXPECT_EQ(message->delimiters.truncation, '~');
    EXPECT_EQ(message->field(message->segments[1], 3), "12*x@13");
    EXPECT_EQ(facts_of(*message, sender)->kind, "ADT^A01");
}

TEST(Read, FindsTheCharacterSet) {
    const std::string name = "王小明";
    const std::string utf8 = std::string(header) + "\rPID|1||7||" + name;
    const std::string chinese = *from_utf8(utf8, "GB18030");
    EXPECT_EQ(read(utf8, sender)->encoding, "UTF-8");
    EXPECT_EQ(read("\xEF\xBB\xBF" + utf8, sender)->encoding, "UTF-8");
    const auto guessed = read(chinese, sender);
    EXPECT_EQ(guessed->encoding, "GB18030");
    EXPECT_EQ(guessed->field(guessed->segments[1], 5), name);
    const std::string said = *from_utf8(std::string(header) + "||||||GB 18030-2000\rPID|1||7||" + name, "GB18030");
    EXPECT_EQ(read(said, sender)->field(read(said, sender)->segments[1], 5), name);
    const auto wrong = read(*from_utf8(std::string(header) + "||||||UNICODE UTF-8\rPID|1||7||" + name, "GB18030"), sender);
    EXPECT_EQ(wrong->field(wrong->segments[1], 5), name);
    ASSERT_EQ(wrong->notes.size(), 1u);
    EXPECT_EQ(wrong->notes[0].where, "MSH-18");
    EXPECT_EQ(read("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4||||||8859/1\rPID|1||7||M\xFCller", sender)
                  ->field(read("MSH|^~\\&|A|B|||2026||ADT^A01|1|P|2.4||||||8859/1\rPID|1||7||M\xFCller", sender)->segments[1], 5),
              "Müller");
    EXPECT_EQ(read(chinese, {.encoding = "GB18030"})->encoding, "GB18030");
}

TEST(Read, RefusesWithThePlace) {
    EXPECT_EQ(refusal(""), "message: is empty");
    EXPECT_EQ(refusal("  \r\n"), "message: is empty");
    EXPECT_EQ(refusal("PID|1||7"), "line 1: the message does not begin with MSH");
    EXPECT_EQ(refusal("MSH|^~"), "MSH: ends early: the message is cut off, send it whole");
    EXPECT_EQ(refusal("MSHA^~\\&|a|b|c|d"), "MSH-1: is no separator, put one after MSH, usually |");
    EXPECT_EQ(refusal("MSH|^^\\&|a|b|c|d|"), "MSH-2: holds the same delimiter twice or a letter, usually it is ^~\\&");
    EXPECT_EQ(refusal(std::string(header) + "\rPID,1,,7,,a"),
              "line 2, after MSH: a segment name is not followed by the delimiter of MSH-1, use the same delimiters in the whole "
              "message");
    EXPECT_EQ(refusal(std::string(header) + "\rPI"),
              "line 2, after MSH: this line is no segment: a segment begins with three letters and ends with CR");
    EXPECT_EQ(refusal(std::string(header) + "\rPID|1||7\r" + std::string(header)),
              "line 3, after PID: a second MSH, send messages one by one");
    EXPECT_NE(read(std::string(header) + "\rPID|" + std::string(5000, '|'), sender, {.fields = 1000})
                  .outcome()
                  .line()
                  .find("more than 1000 fields"),
              std::string::npos);
    EXPECT_NE(read(std::string(2000, 'x'), sender, {.bytes = 1000}).outcome().line().find("larger than 1000 bytes"),
              std::string::npos);
}

TEST(Read, LetsATextRunOverSeveralLines) {
    const auto message =
        read(std::string(header) + "\rOBX|1|TX|a||first line\nsecond line, no segment|mg|||||F\rNTE|1||x", sender);
    ASSERT_TRUE(message.ok()) << message.outcome().line();
    EXPECT_EQ(message->field(message->segments[1], 5), "first line\nsecond line, no segment");
    EXPECT_EQ(message->field(message->segments[1], 6), "mg");
    EXPECT_EQ(message->field(message->segments[1], 11), "F");
    EXPECT_EQ(message->notes[0].key, "continued");
}

TEST(Unescape, PutsSequencesOut) {
    const Delimiters d;
    EXPECT_EQ(unescape("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", d), "a|b^c&d~e\\f");
    EXPECT_EQ(unescape("one\\.br\\two\\.sp2\\three", d), "one\ntwo\n\nthree");
    EXPECT_EQ(unescape("\\H\\loud\\N\\", d), "loud");
    EXPECT_EQ(unescape("\\X41\\\\XE69D8F\\\\XD3D0\\", d), "A杏有") << "UTF-8, and GB18030 where it is none";
    EXPECT_EQ(unescape("\\C2842\\x\\M242850\\y\\Zlocal\\", d), "xy");
    EXPECT_EQ(unescape("C:\\temp\\new", d), "C:\\temp\\new") << "what escapes nothing stays";
    EXPECT_EQ(unescape("10\\S\\9/L", d), "10^9/L");
    EXPECT_EQ(unescape(escape("a|b^c&d~e\\f\ng"), d), "a|b^c&d~e\\f\ng");
}

TEST(Split, FindsTheMessagesOfAFile) {
    const std::string one = std::string(header) + "\rPID|1||7\r";
    EXPECT_EQ(split(one).size(), 1u);
    EXPECT_EQ(split(one + one).size(), 2u);
    EXPECT_EQ(split("FHS|^~\\&|a\rBHS|^~\\&|a\r" + one + one + "BTS|2\rFTS|1\r").size(), 2u);
    EXPECT_EQ(split(frame(one) + frame(one)).size(), 2u);
    EXPECT_EQ(split("no message\r" + one).size(), 2u) << "what is none is counted and refused";
    EXPECT_EQ(split("").size(), 1u);
    const std::string framed = frame(one) + frame(one);
    for (const Piece& each : split(framed)) EXPECT_TRUE(read(each.bytes, sender).ok());
    const std::string batch = "FHS|^~\\&|a\r" + one + one;
    EXPECT_EQ(split(batch)[1].line, 4u);
}

TEST(FrameReader, TakesBytesAsTheyCome) {
    const std::string stream = frame("one") + frame("two\rlines") + "\r\n" + frame("three");
    for (std::size_t step = 1; step < stream.size(); ++step) {
        FrameReader reader;
        std::vector<std::string> got;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            ASSERT_TRUE(reader.take(std::string_view(stream).substr(at, step)).ok());
            while (auto message = reader.next()) got.push_back(*message);
        }
        ASSERT_EQ(got, (std::vector<std::string>{"one", "two\rlines", "three"})) << step;
        EXPECT_FALSE(reader.in_frame());
    }
}

TEST(FrameReader, RefusesWhatIsNoFrameAndWhatIsTooLarge) {
    FrameReader plain;
    EXPECT_EQ(plain.take("GET / HTTP/1.1\r\n").outcome().line(),
              "frame: a message must begin with the byte 0B and end with 1C 0D (MLLP)");
    FrameReader small(1000);
    Result<Done> taken = Done{};
    const std::string block = "\x0B" + std::string(100'000, 'x');
    for (int i = 0; i < 20 && taken.ok(); ++i) {
        taken = small.take(block);
        (void)small.next();
    }
    EXPECT_EQ(taken.outcome().code(), IssueCode::too_costly);
}

// ---- Answers ----------------------------------------------------------------------------------------------------------------

TEST(Acknowledge, ExchangesSenderAndReceiverAndEchoesTheNumber) {
    const auto message = read(std::string(header) + "\rPID|1||7", sender);
    const std::string answer = acknowledge(*message, Answer::AA, "A1", "20261122081501");
    EXPECT_EQ(answer, "MSH|^~\\&|HIS|县医院|LIS|县医院|20261122081501||ACK^A01^ACK|A1|P|2.4\rMSA|AA|M1\r");
    EXPECT_TRUE(read(answer, sender).ok());
}

TEST(Acknowledge, SaysWhatIsWrongInTheFormOfTheVersion) {
    const std::vector<Error> errors = {{"OBX[2]-5.1", "102", "is no number"}};
    const auto old = read(std::string(header) + "\rPID|1||7", sender);
    const std::string in_24 = acknowledge(*old, Answer::AE, "A1", "20261122", errors);
    EXPECT_NE(in_24.find("MSA|AE|M1|is no number\rERR|OBX^2^5"), std::string::npos) << in_24;
    const auto modern = read("MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|9|P|2.5.1\rPID|1||7", sender);
    EXPECT_NE(acknowledge(*modern, Answer::AE, "A1", "20261122", errors)
                  .find("ERR||OBX^2^5^1^1|102^Data type error^HL70357|E||||is no number\r"),
              std::string::npos)
        << acknowledge(*modern, Answer::AE, "A1", "20261122", errors);
}

TEST(Acknowledge, AnswersAsMuchAsItIsAskedTo) {
    const auto asked = [](std::string_view accept, std::string_view application) {
        return read("MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|9|P|2.5.1|||" + std::string(accept) + "|" +
                        std::string(application) + "\rPID|1||7",
                    sender);
    };
    EXPECT_EQ(answer_for(*asked("", ""), true), Answer::AA);
    EXPECT_EQ(answer_for(*asked("AL", "NE"), true), Answer::CA);
    EXPECT_EQ(answer_for(*asked("AL", "NE"), false), Answer::CE);
    EXPECT_EQ(answer_for(*asked("AL", "NE"), false, true), Answer::CR);
    EXPECT_EQ(answer_for(*asked("ER", "NE"), true), std::nullopt);
    EXPECT_EQ(answer_for(*asked("NE", "AL"), true), Answer::AA);
    EXPECT_EQ(answer_for(*asked("NE", "NE"), false), std::nullopt);
}

TEST(Acknowledge, KeepsTheCharacterSet) {
    const auto message = read(*from_utf8(std::string(header) + "||||||GB18030\rPID|1||7", "GB18030"), sender);
    const std::string answer = acknowledge(*message, Answer::AA, "A1", "2026");
    EXPECT_NE(answer.find(*from_utf8("县医院", "GB18030")), std::string::npos);
    EXPECT_NE(answer.find("|GB18030\r"), std::string::npos);
}

TEST(Acknowledge, DoesNotCutACharacterInTwo) {
    const auto message = read(*from_utf8(std::string(header) + "||||||GB18030\rPID|1||7", "GB18030"), sender);
    std::string text = "x";
    for (int i = 0; i < 200; ++i) text += "错";
    const std::string answer = acknowledge(*message, Answer::AE, "A1", "2026", std::vector<Error>{{"PID-3", "101", text}});
    EXPECT_TRUE(to_utf8(answer, "GB18030"));
    EXPECT_FALSE(to_utf8(answer, "UTF-8")) << "in the character set of the message";
}

TEST(Reject, AnswersEvenWhatCannotBeRead) {
    const Outcome why = read("garbage", sender).outcome();
    EXPECT_NE(reject("garbage", "A1", "2026", why).find("MSA|AR|"), std::string::npos);
    const std::string half = std::string(header) + "\rPID,1";
    EXPECT_NE(reject(half, "A1", "2026", read(half, sender).outcome()).find("MSA|AR|M1"), std::string::npos);
}

}  // namespace
}  // namespace xinglin::hl7v2
