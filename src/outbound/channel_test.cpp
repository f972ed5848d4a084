// SPDX-License-Identifier: Apache-2.0
// Channels as data, addresses, what goes out, and the channels of content.
#include <filesystem>
#include <fstream>

#include "outbound/match.h"
#include "outbound/networks.h"
#include "outbound/test_outbound.h"

namespace xinglin::outbound {

namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
    json::Arena arena;
    const auto value = json::parse(text, arena);
    if (!value.ok()) return "test: " + value.outcome().line();
    const auto channel = read_channel(*value, Channel{});
    return channel.ok() ? "" : channel.outcome().issues.front().where;
}

TEST(Channels, AreRefusedByField) {
    EXPECT_EQ(refusal(fhir_channel("a", 80)), "");
    EXPECT_EQ(refusal(fhir_channel("A b", 80)), "id");
    EXPECT_EQ(refusal(fhir_channel("a", 80, R"(,"colour":"red")")), "colour");
    EXPECT_EQ(refusal(fhir_channel("a", 80, R"(,"mode":"maybe")")), "mode");
    EXPECT_EQ(
        refusal(R"({"id":"a","name":"n","target":{"kind":"fhir","url":"ftp://x"},"filter":{"types":[{"type":"Patient"}]}})"),
        "target.url");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"fhir","url":"https://user:pass@x/"},"filter":{"types":[{"type":"Patient"}]}})"),
        "target.url");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"fhir","url":"https://x","login":"bearer"},"filter":{"types":[{"type":"Patient"}]}})"),
        "target.secret");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"fhir","url":"https://x","secret":"../etc"},"filter":{"types":[{"type":"Patient"}]}})"),
        "target.secret");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"folder","folder":"/etc"},"format":"ndjson","filter":{"types":[{"type":"Patient"}]}})"),
        "target.folder");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"folder","folder":"../x"},"format":"ndjson","filter":{"types":[{"type":"Patient"}]}})"),
        "target.folder");
    EXPECT_EQ(
        refusal(R"({"id":"a","name":"n","target":{"kind":"fhir","url":"https://x"},"filter":{"types":[{"type":"Pacient"}]}})"),
        "filter.types[0].type");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"fhir","url":"https://x"},"filter":{"types":[{"type":"Patient","where":"colour = 'red'"}]}})"),
        "filter.types[0].where");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"mllp","url":"x:1"},"format":"hl7v2","filter":{"types":[{"type":"Claim"}]}})"),
        "filter.types");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"folder","folder":"x"},"format":"csv","filter":{"types":[{"type":"Patient"}]},"transform":{"columns":[{"name":"a","path":"id ~~ ("}]}})"),
        "transform.columns[0].path");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"folder","folder":"x"},"format":"ndjson","filter":{"types":[{"type":"Patient"}]},"batch":{"at":"25:00"}})"),
        "batch.at");
    EXPECT_EQ(refusal(fhir_channel("a", 80, R"(,"transform":{"dates":"shift"})")), "transform.dates");
    constexpr std::string_view documents =
        R"({{"id":"a","name":"n","target":{{"kind":"{}","folder":"x","url":"https://x"}},"format":"cda","filter":{{"types":[{{"type":"{}"}}]}}{}}})";
    EXPECT_EQ(refusal(fmt::format(documents, "folder", "Encounter", "")), "");
    EXPECT_EQ(refusal(fmt::format(documents, "fhir", "Encounter", "")), "format");
    EXPECT_EQ(refusal(fmt::format(documents, "folder", "Condition", "")), "filter.types");
    EXPECT_EQ(refusal(fmt::format(documents, "folder", "Encounter", R"(,"transform":{"deidentify":true,"key":"k"})")),
              "transform.deidentify");
    EXPECT_EQ(refusal(fhir_channel("a", 80, R"(,"transform":{"deidentify":true,"key":"k","dates":"week"})")), "transform.dates");
    EXPECT_EQ(
        refusal(
            R"({"id":"a","name":"n","target":{"kind":"fhir","url":"http://x","identity":"us"},"filter":{"types":[{"type":"Patient"}]}})"),
        "target.identity");
}

std::string searching(std::string_view type, std::string_view search, std::string_view more = "") {
    return fmt::format(
        R"({{"id":"a","name":"n","target":{{"kind":"fhir","url":"https://x"}},"filter":{{"types":[{{"type":"{}","search":"{}"{}}}]}}}})",
        type, search, more);
}

TEST(Channels, FilterBySearchAndSayWhatOfItCannotBeOne) {
    EXPECT_EQ(refusal(searching("Observation", "code=http://loinc.org|4548-4,4549-2&status=final&date=ge2026-01-01")), "");
    EXPECT_EQ(refusal(searching("Observation", "Observation?status=final")), "");
    for (const char* no : {"Patient?status=final", "colour=red", "status=final&_sort=date", "status=final&_count=5", "_include=*",
                           "subject:Patient.name=x", "_has:Provenance:target:agent=1", "code:in=http://x", "code:below=1",
                           "date=ap2026", "date=yesterday", "status=%zz", "_lastUpdated=ap2026"})
        EXPECT_EQ(refusal(searching("Observation", no)), "filter.types[0].search") << no;
}

TEST(Channels, FilterBySearchAsTheRecordWouldFind) {
    struct Case {
        const char *type, *search, *resource;
        bool goes;
    };
    const char* const glucose =
        R"({"resourceType":"Observation","id":"g","meta":{"lastUpdated":"2026-11-22T10:00:00+08:00"},"status":"final",
            "code":{"coding":[{"system":"http://loinc.org","code":"2345-7"}]},"subject":{"reference":"Patient/1"},
            "effectiveDateTime":"2026-11-21","valueQuantity":{"value":7.8,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}})";
    const Case cases[] = {
        {"Observation", "code=http://loinc.org|2345-7&status=final", glucose, true},
        {"Observation", "code=2345-7,1&status=preliminary", glucose, false},
        {"Observation", "status:not=final", glucose, false},
        {"Observation", "date=ge2026-11-21&date=lt2026-11-22", glucose, true},
        {"Observation", "date=lt2026-11-21", glucose, false},
        {"Observation", "value-quantity=gt7", glucose, true},
        {"Observation", "value-quantity=gt9", glucose, false},
        {"Observation", "code-value-quantity=http://loinc.org|2345-7$gt7", glucose, true},
        {"Observation", "patient=Patient/1", glucose, true},
        {"Observation", "subject=Patient/2", glucose, false},
        {"Observation", "_id=g", glucose, true},
        {"Observation", "_id=h", glucose, false},
        {"Observation", "_lastUpdated=ge2026-11-22", glucose, true},
        {"Observation", "_lastUpdated=gt2026-11-23", glucose, false},
        {"Observation", "method:missing=true", glucose, true},
        {"Observation", "code:missing=true", glucose, false},
        {"Patient", "name=王", R"({"resourceType":"Patient","id":"1","name":[{"text":"王芳"}]})", true},
        {"Patient", "name:exact=王", R"({"resourceType":"Patient","id":"1","name":[{"text":"王芳"}]})", false},
        {"Patient", "_security=R", R"({"resourceType":"Patient","id":"1","meta":{"security":[{"system":"s","code":"R"}]}})",
         true},
    };
    for (const Case& each : cases) {
        json::Arena arena;
        const auto channel = read_channel(*json::parse(searching(each.type, each.search), arena), Channel{});
        ASSERT_TRUE(channel.ok()) << each.search << " " << channel.outcome().line();
        const auto compiled = Compiled::make(*channel);
        ASSERT_TRUE(compiled.ok());
        std::string why;
        const auto verdict = (*compiled)->judge(*fhir::find_resource(each.type), *json::parse(each.resource, arena), &why);
        EXPECT_EQ(verdict == Compiled::Verdict::yes, each.goes) << each.search << " " << why;
        if (!each.goes) {
            EXPECT_THAT(why, HasSubstr("search"));
        }
    }
}

TEST(Channels, SearchAndConditionMustBothHold) {
    json::Arena arena;
    const auto channel =
        read_channel(*json::parse(searching("Patient", "gender=male", R"(,"where":"active")"), arena), Channel{});
    ASSERT_TRUE(channel.ok()) << channel.outcome().line();
    const auto compiled = *Compiled::make(*channel);
    const auto goes = [&](std::string_view text) {
        return compiled->judge(*fhir::find_resource("Patient"), *json::parse(text, arena)) == Compiled::Verdict::yes;
    };
    EXPECT_TRUE(goes(R"({"resourceType":"Patient","gender":"male","active":true})"));
    EXPECT_FALSE(goes(R"({"resourceType":"Patient","gender":"male","active":false})"));
    EXPECT_FALSE(goes(R"({"resourceType":"Patient","gender":"female","active":true})"));
}

TEST(Channels, AreReadBackAsTheyWereWritten) {
    for (const std::string& text :
         {fhir_channel("a", 80), mllp_channel("b", 81), csv_channel("c"), searching("Patient", "gender=male"),
          fhir_channel("d", 80, R"(,"transform":{"deidentify":true,"key":"k","dates":"shift","pseudonyms":"key"})")}) {
        json::Arena arena;
        const auto channel = read_channel(*json::parse(text, arena), Channel{});
        ASSERT_TRUE(channel.ok()) << channel.outcome().line();
        const std::string once = json::write(write_channel(*channel, arena));
        const auto again = read_channel(*json::parse(once, arena), Channel{});
        ASSERT_TRUE(again.ok()) << again.outcome().line();
        EXPECT_EQ(json::write(write_channel(*again, arena)), once);
    }
}

TEST(Addresses, OfTheMachinesOwnSurroundingsAreNeverSentTo) {
    for (const char* no : {"169.254.169.254", "169.254.1.1", "100.100.100.200", "168.63.129.16", "0.0.0.0", "224.0.0.1",
                           "255.255.255.255", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "::", "ff02::1",
                           "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "nonsense"})
        EXPECT_FALSE(admits(no).ok()) << no;
    for (const char* yes :
         {"127.0.0.1", "10.0.0.7", "192.168.1.9", "8.8.8.8", "::1", "2001:db8::1", "fd12:3456::1", "::ffff:10.0.0.1"})
        EXPECT_TRUE(admits(yes).ok()) << yes;
}

/// A folder laid over the built-in content, with these networks.
class NetworkFiles {
public:
    explicit NetworkFiles(const std::string& text) {
        std::filesystem::create_directories(folder_.path() / "access");
        std::ofstream(folder_.path() / "access" / "networks.json") << text;
    }
    content::Files files() const { return content::Files::over(folder_.path()).value(); }

private:
    testing::ScratchFolder folder_;
};

TEST(Addresses, MayBeNarrowedByContentButNeverWidened) {
    const NetworkFiles narrow(R"({"channels":{"allow":["10.0.0.0/8","fd00::/8"],"never":["10.9.0.0/16"]}})");
    const auto networks = ReceiverNetworks::read(narrow.files());
    ASSERT_TRUE(networks.ok()) << networks.outcome().line();
    for (const char* yes : {"10.0.0.7", "::ffff:10.1.2.3", "fd12::1"}) EXPECT_TRUE(networks->admits(yes).ok()) << yes;
    for (const char* no : {"10.9.1.1", "::ffff:10.9.1.1", "127.0.0.1", "::1", "8.8.8.8", "11.0.0.1", "169.254.169.254",
                           "2001:db8::1", "fe80::1", "nonsense"})
        EXPECT_FALSE(networks->admits(no).ok()) << no;
    const auto wide = ReceiverNetworks::read(content::Files{});
    ASSERT_TRUE(wide.ok());
    EXPECT_TRUE(wide->admits("127.0.0.1").ok());
    for (const char* no : {"169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "fd00:ec2::254"})
        EXPECT_FALSE(wide->admits(no).ok()) << no;
    for (const char* wrong : {"{}", R"({"channels":{"allow":["10.0.0.0/33"],"never":[]}})",
                              R"({"channels":{"allow":"10.0.0.0/8","never":[]}})", "nonsense"})
        EXPECT_FALSE(ReceiverNetworks::read(NetworkFiles(wrong).files()).ok()) << wrong;
}

TEST(Channels, OfContentHoldTheirExamples) {
    const content::Files files;
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(files, complaints, checked);
    EXPECT_GE(checked, 2u);
    for (const content::Complaint& each : complaints) ADD_FAILURE() << each.file << ": " << each.where << ": " << each.what;
    const auto all = shelf(files);
    ASSERT_TRUE(all.ok());
    for (const Channel& each : *all) EXPECT_EQ(each.mode, Mode::off) << each.id;
}

TEST(Channels, OfContentThatAreWrongAreComplainedOf) {
    const testing::ScratchFolder folder;
    std::filesystem::create_directories(folder.path() / "outbound");
    const std::string_view tail =
        R"("target":{"kind":"folder","folder":"x"},"format":"ndjson","filter":{"types":[{"type":"Patient","where":"active"}]}})";
    const auto write = [&](std::string_view name, std::string_view text) {
        FILE* file = std::fopen((folder.path() / "outbound" / std::string(name)).c_str(), "w");
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
    };
    write("no_examples.json", fmt::format(R"({{"id":"a","name":"n",{})", tail));
    write(
        "wrong.json",
        fmt::format(
            R"({{"id":"b","name":"n","examples":[{{"says":"x","resources":[{{"resourceType":"Patient","id":"1","active":true}}],"becomes":"other"}},
        {{"says":"y","resources":[{{"resourceType":"Patient","id":"1"}}],"becomes":"anything"}}],{})",
            tail));
    write("broken.json", "{");
    const auto files = content::Files::over(folder.path());
    std::vector<content::Complaint> complaints;
    std::size_t checked = 0;
    check_shelf(*files, complaints, checked);
    std::vector<std::string> said;
    for (const content::Complaint& each : complaints) said.push_back(each.file + " " + each.where);
    EXPECT_THAT(said, ::testing::IsSupersetOf({"outbound/no_examples.json examples", "outbound/wrong.json examples[0]",
                                               "outbound/wrong.json examples[1]"}));
    EXPECT_EQ(complaints.size(), 4u);
}

}  // namespace

}  // namespace xinglin::outbound
