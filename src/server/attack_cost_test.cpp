// SPDX-License-Identifier: Apache-2.0
// Small requests that would make large work: each is refused or answered within bounds, and the server goes on.
#include <gmock/gmock.h>
#include <zlib.h>

#include "server/test_attack.h"

namespace xinglin::server {
namespace {

using ::testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t times) {
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}

/// `format`: 31 for gzip, -15 for the bare stream of a zip file.
std::string deflated(std::string_view text, std::size_t times, int format) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, format, 9, Z_DEFAULT_STRATEGY);
    std::string out;
    char buffer[65'536];
    for (std::size_t i = 0; i <= times; ++i) {
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
        stream.avail_in = i < times ? static_cast<uInt>(text.size()) : 0;
        int code = Z_OK;
        do {
            stream.next_out = reinterpret_cast<Bytef*>(buffer), stream.avail_out = sizeof buffer;
            code = deflate(&stream, i < times ? Z_NO_FLUSH : Z_FINISH);
            out.append(buffer, sizeof buffer - stream.avail_out);
        } while (stream.avail_out == 0 || (i == times && code != Z_STREAM_END));
    }
    deflateEnd(&stream);
    return out;
}

std::string little(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
    return out;
}

/// A zip file of one member that claims what it likes of its size.
std::string zip(const std::string& name, const std::string& packed, std::uint32_t raw, std::uint32_t crc) {
    const std::string common = little(20, 2) + little(0, 2) + little(8, 2) + little(0, 4) + little(crc, 4) +
                               little(packed.size(), 4) + little(raw, 4) + little(name.size(), 2) + little(0, 2);
    const std::string local = "PK\3\4" + common + name + packed;
    const std::string central =
        "PK\1\2" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(0, 4) + name;
    return local + central + "PK\5\6" + little(0, 4) + little(1, 2) + little(1, 2) + little(central.size(), 4) +
           little(local.size(), 4) + little(0, 2);
}

class AttackCost : public ::testing::Test {
protected:
    testing::ScratchFolder folder_;
    std::string token_ = add_client(folder_.path() / "data", "all");
    RunningServer server_{folder_.path() / "data"};
    Caller caller_{server_, token_};

    void expect_refused(const http::Response& answer, const std::string& what) {
        if (answer.status == 0) caller_ = Caller(server_, token_);  // the connection was cut: said no, and hung up
        else EXPECT_EQ(answer.status / 100, 4) << what << "\n" << answer.body.substr(0, 300);
        EXPECT_EQ(leaks(answer.body), "") << what;
        EXPECT_EQ(caller_.get("/healthz").status, 200) << what;
    }
};

TEST_F(AttackCost, BodiesThatNestCountOrSwellAreRefused) {
    const auto post = [&](const std::string& body, const char* type = "application/fhir+json") {
        return caller_.send("POST", "/fhir/Patient", body, type);
    };
    expect_refused(post(repeated("[", 100'000)), "arrays");
    expect_refused(post(R"({"resourceType":"Patient","extension":)" + repeated(R"([{"url":"u","extension":)", 5'000)),
                   "extensions");
    expect_refused(post(R"({"resourceType":"Patient","extension":)" + repeated(R"([{"url":"u","extension":)", 3'000) + "[]" +
                        repeated("}]", 3'000) + "}"),
                   "closed extensions");
    expect_refused(post(R"({"resourceType":"Patient","multipleBirthInteger":1e999999999})"), "a large exponent");
    expect_refused(post(R"({"resourceType":"Patient","multipleBirthInteger":)" + repeated("9", 1'000'000) + "}"),
                   "a large number");
    expect_refused(post("<!DOCTYPE a [<!ENTITY b \"" + repeated("x", 1'000) + "\"><!ENTITY c \"" + repeated("&b;", 1'000) +
                            "\">]><Patient xmlns=\"http://hl7.org/fhir\"><language value=\"&c;\"/></Patient>",
                        "application/fhir+xml"),
                   "entities");
    expect_refused(
        post("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><Patient xmlns=\"http://hl7.org/fhir\"/>", "application/fhir+xml"),
        "a file as entity");
    expect_refused(post(repeated("<a>", 50'000), "application/fhir+xml"), "deep XML");
    expect_refused(post("{\"resourceType\":\"Patient\"," + repeated("\"id\":\"x\",", 50'000) + "\"active\":true}"),
                   "the same member often");
    std::string entries;
    for (int i = 0; i < 30'000; ++i) entries += (i ? "," : "") + std::string(R"({"request":{"method":"GET","url":"Patient"}})");
    expect_refused(caller_.send("POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[)" + entries + "]}"),
                   "entries");
    const std::string inside =
        R"({"resource":{"resourceType":"Bundle","type":"batch","entry":[]},"request":{"method":"POST","url":""}})";
    EXPECT_LT(caller_.send("POST", "/fhir", R"({"resourceType":"Bundle","type":"batch","entry":[)" + inside + "]}").status, 500);
}

TEST_F(AttackCost, PackedBodiesThatUnpackToMuchAreRefused) {
    const std::string bomb = deflated(std::string(1u << 20, ' '), 512, 31);  // half a gigabyte of nothing
    ASSERT_LT(bomb.size(), 1u << 20);
    caller_.extra = {{"Content-Encoding", "gzip"}};
    const auto answer = caller_.send("POST", "/fhir/Patient", bomb);
    caller_.extra.clear();
    expect_refused(answer, "gzip");
    const std::string sheet = deflated(std::string(1u << 20, 'A'), 1'024, -15);
    for (const std::string& file : {zip("xl/workbook.xml", sheet, 1u << 30, 0), zip("xl/worksheets/sheet1.xml", sheet, 100, 0),
                                    zip("../../../../tmp/evil", sheet, 1u << 30, 0), std::string("PK\3\4 and no more")}) {
        const auto refused = caller_.send("POST", "/api/v1/registry/import?sheet=institution&name=x.xlsx", file,
                                          "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
        expect_refused(refused, "a workbook");
        const auto seen = caller_.send("POST", "/api/v1/mappings/preview", file,
                                       "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
        expect_refused(seen, "a workbook to look at");
    }
}

TEST_F(AttackCost, SearchesThatMultiplyAreRefusedOrBounded) {
    const auto asked = [&](const std::string& query) {
        return caller_.send("POST", "/fhir/Observation/_search", query, "application/x-www-form-urlencoded");
    };
    expect_refused(asked("code=" + repeated("a,", 50'000)), "alternatives");
    expect_refused(asked(repeated("code=a&", 5'000)), "parameters");
    expect_refused(asked("subject:Patient." + repeated("link:Patient.", 50) + "name=a"), "a chain");
    expect_refused(asked(repeated("_has:Observation:subject:", 50) + "code=a"), "reverse chains");
    expect_refused(asked(repeated("_include:iterate=Observation:subject&", 500)), "includes");
    expect_refused(asked("_sort=" + repeated("date,", 500)), "keys");
    expect_refused(asked("_elements=" + repeated("a,", 5'000)), "elements");
    for (const char* bounded : {"_count=999999999", "_include:iterate=*&_revinclude:iterate=*",
                                "date=ge0001-01-01&date=le9999-12-31", "value-quantity=1e-300", "_lastUpdated=0001"})
        EXPECT_LT(asked(bounded).status, 500) << bounded;
    expect_refused(caller_.get("/fhir/Patient?name=" + repeated("a", 40'000)), "a long address");
}

TEST_F(AttackCost, ExpressionsThatNeverEndRunOutOfTheirBudget) {
    ASSERT_EQ(caller_
                  .send("PUT", "/fhir/Patient/one",
                        R"({"resourceType":"Patient","id":"one","name":[{"text":")" + repeated("a", 5'000) + R"(!"}]})")
                  .status,
              201);
    for (const std::string& path :
         {std::string("repeat(name | $this | name.repeat($this)).repeat($this | $this.text)"),
          std::string("name.text.matches('^(a+)+$')"), repeated("(", 5'000) + "1" + repeated(")", 5'000),
          repeated("descendants().", 30) + "count()",
          "(" + repeated("1|", 3'000) + "1).combine(" + repeated("1|", 3'000) + "1).repeat($this+1)",
          std::string("name.text.replaceMatches('(a|aa)+$','x')"), "iif(" + repeated("iif(true,", 2'000) + "1",
          repeated("name.where(", 500) + "true" + repeated(")", 500), std::string("'a'.repeat($this & $this)"),
          repeated("1+", 20'000) + "1"}) {
        std::string quoted;
        for (const char c : path) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        const auto answer =
            caller_.send("POST", "/api/v1/views/run",
                         R"({"view":{"resource":"Patient","select":[{"column":[{"name":"x","path":")" + quoted + R"("}]}]}})",
                         "application/json");
        EXPECT_NE(answer.status, 0) << path.substr(0, 80);
        EXPECT_LT(answer.status, 500) << path.substr(0, 80) << answer.body;
        EXPECT_EQ(caller_.get("/healthz").status, 200);
    }
}

TEST_F(AttackCost, DocumentsWithEntitiesStayMessagesThatWereRefused) {
    const std::string bomb =
        "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
        "SYSTEM \"file:///etc/passwd\">]>"
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><title>&b;&c;</title></ClinicalDocument>";
    caller_.send("POST", "/api/v1/intake/sources", R"({"id":"docs","name":"文档","kind":"http","format":"cda"})",
                 "application/json");
    const auto sent = caller_.send("POST", "/api/v1/intake/messages?source=docs&wait=stored", bomb, "application/xml");
    EXPECT_EQ(sent.status / 100, 4) << sent.body;
    EXPECT_EQ(leaks(sent.body), "");
    EXPECT_THAT(sent.body, ::testing::Not(HasSubstr("lollol")));
}

}  // namespace
}  // namespace xinglin::server
