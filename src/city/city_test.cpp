// SPDX-License-Identifier: Apache-2.0
#include "city/city.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "city/fhir_writer.h"
#include "city/infection.h"
#include "city/native.h"
#include "city/people.h"
#include "city/places.h"
#include "city/rows.h"
#include "city/story.h"
#include "fhir/fhir.h"
#include "json/json.h"
#include "testing/testing.h"
#include "text/text.h"

namespace xinglin::city {
namespace {

struct Memory : Sink {
    std::map<std::string, std::string> files;
    void append(std::string_view path, std::string_view bytes) override { files[std::string(path)] += bytes; }
};

Request small(std::uint32_t population, int years = 1) {
    Request request;
    request.population = population;
    request.years = years;
    request.threads = 2;
    return request;
}

std::vector<std::string_view> lines(std::string_view text) {
    std::vector<std::string_view> out;
    for (const std::string_view line : text::split(text, '\n')) {
        if (!line.empty()) out.push_back(line);
    }
    return out;
}

/// A district that many tests look at; made once.
struct Made {
    Facts facts;
    District district;
    std::unique_ptr<Days> days;
    People people;
    Epidemic epidemic;
    std::unique_ptr<World> world;
};
const Made& made() {
    static const std::unique_ptr<Made> one = [] {
        auto out = std::make_unique<Made>();
        auto facts = read_facts(content::Files());
        EXPECT_TRUE(facts.ok()) << facts.outcome().line();
        out->facts = std::move(facts).value();
        out->district = make_district(out->facts, 0, 4000, 7);
        out->days = std::make_unique<Days>(out->facts, day_of("2024-11-22"), day_of("2026-11-22"), out->district.seed);
        out->people = make_people(out->district, out->days->start(), out->days->end());
        out->epidemic = spread(out->district, *out->days, out->people);
        out->world = std::make_unique<World>(out->facts, out->district, *out->days, out->people, out->epidemic, out->days->end());
        return out;
    }();
    return *one;
}

TEST(City, TheSameSeedGivesTheSameBytesWhateverTheNumberOfThreads) {
    Memory one, four, other;
    Request request = small(450);
    request.threads = 1;
    ASSERT_TRUE(make(content::Files(), request, one).ok());
    request.threads = 4;
    ASSERT_TRUE(make(content::Files(), request, four).ok());
    EXPECT_EQ(one.files.size(), four.files.size());
    for (const auto& [path, bytes] : one.files) EXPECT_TRUE(four.files[path] == bytes) << path;
    request.seed = 2;
    ASSERT_TRUE(make(content::Files(), request, other).ok());
    EXPECT_NE(one.files["fhir/Patient.ndjson"], other.files["fhir/Patient.ndjson"]);
}

TEST(City, ItsFiguresAreThoseOfThePlans) {
    Memory sink;
    Request request = small(60'000, 1);
    request.fhir = request.sources = request.truth = false;
    const auto description = make(content::Files(), request, sink);
    ASSERT_TRUE(description.ok()) << description.outcome().line();
    json::Arena arena;
    const auto parsed = json::parse(description.value(), arena);
    ASSERT_TRUE(parsed.ok());
    std::size_t compared = 0;
    for (const json::Node& node : parsed.value()["figures"].items()) {
        const json::Value figure(&node);
        EXPECT_TRUE(figure["within"].as_bool())
            << figure["name"].string() << ": " << figure["city"].text() << ", plan " << figure["plan"].text();
        ++compared;
    }
    EXPECT_GE(compared, 15u);
}

TEST(City, EveryResourceIsValidR4HasAnIdOfItsOwnAndRefersToOnesThatAreThere) {
    Memory sink;
    Request request = small(400);
    request.sources = false;
    ASSERT_TRUE(make(content::Files(), request, sink).ok());
    std::set<std::string> ids;
    std::vector<std::string> references;
    std::size_t count = 0;
    const std::function<void(json::Value)> collect = [&](json::Value value) {
        if (value.is_object() && value["reference"].is_string()) references.emplace_back(value["reference"].string());
        for (const json::Member& member : value.members()) collect(member.value());
        for (const json::Node& node : value.items()) collect(json::Value(&node));
    };
    for (const auto& [path, bytes] : sink.files) {
        if (!path.starts_with("fhir/")) continue;
        for (const std::string_view line : lines(bytes)) {
            json::Arena arena;
            const auto resource = json::parse(line, arena);
            ASSERT_TRUE(resource.ok()) << path << ": " << resource.outcome().line() << "\n" << line;
            const Outcome outcome = fhir::validate(resource.value());
            ASSERT_TRUE(outcome.ok()) << path << ": " << outcome.line() << "\n" << line;
            EXPECT_TRUE(ids.insert(std::string(resource.value()["resourceType"].string()) + "/" +
                                   std::string(resource.value()["id"].string()))
                            .second)
                << line;
            collect(resource.value());
            ++count;
        }
    }
    EXPECT_GT(count, 5'000u);
    for (const std::string& reference : references) ASSERT_TRUE(ids.contains(reference)) << reference;
}

TEST(Infection, IsAForestInWhichEveryoneWasInfectedByAnotherWhoWasIllThereThen) {
    const Made& m = made();
    ASSERT_GT(m.epidemic.infections.size(), 300u);
    std::map<Setting, int> settings;
    for (std::uint32_t i = 0; i < m.epidemic.infections.size(); ++i) {
        const Infection& infection = m.epidemic.infections[i];
        ++settings[infection.setting];
        EXPECT_TRUE(m.people.all[infection.person].here(infection.day));
        EXPECT_GT(infection.onset, infection.day);
        if (infection.by == none32) {
            EXPECT_TRUE(infection.setting == Setting::import || infection.setting == Setting::outbreak);
            continue;
        }
        ASSERT_LT(infection.by, i);  // so there is no cycle
        const Infection& source = m.epidemic.infections[infection.by];
        EXPECT_EQ(source.pathogen, infection.pathogen);
        EXPECT_EQ(source.outbreak, infection.outbreak);
        EXPECT_NE(source.person, infection.person);
        EXPECT_GE(infection.day, std::max(source.day + 1, source.onset - 1));
        EXPECT_LE(infection.day, source.onset + static_cast<std::int32_t>(m.facts.pathogens[source.pathogen].infectious) + 1);
        EXPECT_TRUE(m.people.all[source.person].here(infection.day));
        if (infection.setting == Setting::household) {
            EXPECT_EQ(m.people.household(source.person, infection.day), m.people.household(infection.person, infection.day));
        }
        if (infection.setting == Setting::school) {
            EXPECT_TRUE(m.days->is_school_day(infection.day));
        }
        if (infection.setting == Setting::work) {
            EXPECT_TRUE(m.days->is_workday(infection.day));
        }
    }
    EXPECT_GE(settings.size(), 5u);
    for (const Infection& infection : m.epidemic.infections) {  // what is seen comes after what happened
        if (infection.visit != never) {
            EXPECT_GE(infection.visit, infection.onset);
        }
        if (infection.card != never) {
            EXPECT_GE(infection.card, infection.visit);
        }
    }
}

TEST(People, HaveAnIdThatChecksOutBelowAnAreaThatNobodyWasGiven) {
    const Made& m = made();
    std::set<std::string> ids;
    for (const Person& person : m.people.all) {
        const std::string id = resident_id(m.district, person);
        ASSERT_EQ(id.size(), 18u);
        EXPECT_EQ(id.back(), resident_check(id));
        EXPECT_EQ((id[16] - '0') % 2 == 1, person.male);
        EXPECT_TRUE(ids.insert(id).second) << "given twice";
    }
    EXPECT_EQ(resident_check("11010519491231002"), 'X');  // the example printed in GB 11643-1999
    const auto areas = content::Files().read("areas/13.txt");
    ASSERT_TRUE(areas);
    const std::size_t city = areas->find("\n03 秦皇岛市\n"), next = areas->find("\n04 ");
    EXPECT_EQ(areas->substr(city, next - city).find("\n 99 "), std::string::npos) << "1303 99 has been assigned";
}

TEST(People, NothingHappensToAnyoneBeforeBirthOrAfterDeath) {
    const Made& m = made();
    int deaths = 0, births = 0;
    for (std::uint32_t i = 0; i < m.people.all.size(); ++i) {
        const Person& person = m.people.all[i];
        deaths += person.death < m.people.end;
        births += person.arrive == person.birth;
        const Story story = tell(*m.world, i);
        std::int64_t lies_until = 0;
        for (const Visit& visit : story.visits) {
            EXPECT_GE(visit.day(), person.birth);
            EXPECT_LE(visit.day(), person.until());
            EXPECT_GE(visit.end, visit.start);
            EXPECT_GE(visit.start, lies_until) << "a visit while lying in hospital";
            if (visit.kind == VisitKind::inpatient) lies_until = visit.end;
        }
        for (const Vaccination& each : story.vaccinations) EXPECT_GE(each.at / 86'400, person.birth);
    }
    EXPECT_GT(deaths, 20);
    EXPECT_GT(births, 20);
}

std::size_t messages_in(std::string_view path, std::string_view bytes) {
    if (path.ends_with(".xml")) return 1;
    if (path.ends_with(".hl7")) {
        std::size_t count = 0;
        for (const std::string_view line : lines(bytes)) count += line.starts_with("MSH|");
        return count;
    }
    return lines(bytes).size() - (path.ends_with(".csv") ? 1 : 0);
}

TEST(Sources, WhatIsInTheFilesIsWhatTheTruthSaysWasSent) {
    Memory sink;
    Request request = small(1'200);
    request.fhir = false;
    ASSERT_TRUE(make(content::Files(), request, sink).ok());
    std::map<std::string, std::size_t> found, said;
    std::set<std::string> endings;
    for (const auto& [path, bytes] : sink.files) {
        if (!path.starts_with("sources/")) continue;
        found[path.substr(8, path.find('/', 8) - 8)] += messages_in(path, bytes);
        endings.insert(path.substr(path.rfind('.')));
    }
    const Rows rows = Rows::of(sink.files["truth/messages.csv"], "messages");
    for (std::size_t i = 0; i < rows.size(); ++i)
        said[std::string(rows.text(i, "source"))] += static_cast<std::size_t>(rows.number(i, "sent"));
    EXPECT_EQ(found, said);
    EXPECT_EQ(endings, (std::set<std::string>{".csv", ".hl7", ".ndjson", ".xml"}));
    EXPECT_GT(found["renmin"], 500u);
    EXPECT_FALSE(text::is_utf8(sink.files.lower_bound("sources/renmin/hl7/")->second)) << "the people's hospital writes GB18030";
}

TEST(Sources, EveryNumberOfAPatientLeadsToOneTruePerson) {
    Memory sink;
    Request request = small(1'200);
    request.fhir = false;
    ASSERT_TRUE(make(content::Files(), request, sink).ok());
    const Rows rows = Rows::of(sink.files["truth/people.csv"], "people");
    std::set<std::string> keys, patients;
    std::map<std::string, int> mistakes;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_TRUE(
            keys.insert(std::string(rows.text(i, "source")) + "/" + std::string(rows.text(i, "local_patient_id"))).second);
        patients.insert(std::string(rows.text(i, "patient_id")));
        for (const std::string_view each : rows.list(i, "mistakes")) ++mistakes[std::string(each)];
    }
    EXPECT_GT(keys.size(), patients.size() * 2);
    EXPECT_GE(mistakes.size(), 6u);
    EXPECT_GT(mistakes["id_missing"], 10);
}

TEST(Stream, GoesOnWhereTheFilesEndTheSameWheneverItIsAsked) {
    Request request = small(1'500);
    request.future_days = 12;
    const auto stream = Stream::open(content::Files(), request);
    ASSERT_TRUE(stream.ok()) << stream.outcome().line();
    const std::int64_t day = 86'400, from = stream.value().first() + day;
    const std::vector<Outgoing> whole = stream.value().between(from, from + 2 * day),
                                first = stream.value().between(from, from + day);
    ASSERT_GT(first.size(), 20u);
    ASSERT_GT(whole.size(), first.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        EXPECT_GE(whole[i].time, from);
        EXPECT_LT(whole[i].time, from + 2 * day);
        if (i > 0) {
            EXPECT_GE(whole[i].time, whole[i - 1].time);
        }
    }
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].source, whole[i].source);

    Memory sink;  // and nothing of it is in the files yet
    request.truth = false;
    ASSERT_TRUE(make(content::Files(), request, sink).ok());
    for (const std::string_view line : lines(sink.files["fhir/Encounter.ndjson"])) {
        const std::size_t start = line.find(R"("period":{"start":")") + 19;
        EXPECT_LT(line.substr(start, 10), "2026-11-22");
    }
    request.future_days = 0;
    EXPECT_EQ(Stream::open(content::Files(), request).outcome().issues[0].where, "--future-days");
}

TEST(Registers, NameOnlyWhatIsThereUnderCodesOfTheirOwn) {
    Request request;
    request.population = 300;
    request.years = 1;
    request.end = "2026-11-22";
    request.truth = false;
    request.sources = false;
    Memory sink;
    ASSERT_TRUE(make(content::Files(), request, sink).ok());
    std::set<std::string> ids, codes;
    std::vector<std::string> named;
    std::size_t beds = 0, entries = 0;
    for (const std::string type :
         {"Organization", "Location", "Practitioner", "PractitionerRole", "OrganizationAffiliation", "Device", "Medication"}) {
        for (const std::string_view line : lines(sink.files["fhir/" + type + ".ndjson"])) {
            json::Arena arena;
            const auto resource = json::parse(line, arena);
            ASSERT_TRUE(resource.ok()) << line;
            ++entries;
            EXPECT_TRUE(ids.insert(type + "/" + std::string((*resource)["id"].string())).second) << line;
            for (const json::Node& node : (*resource)["identifier"].items())
                EXPECT_TRUE(codes
                                .insert(std::string(json::Value(&node)["system"].string()) + "|" +
                                        std::string(json::Value(&node)["value"].string()))
                                .second)
                    << line;
            for (const std::string_view member :
                 {"partOf", "managingOrganization", "organization", "participatingOrganization", "practitioner", "owner"}) {
                if (const std::string_view reference = (*resource)[member]["reference"].string(); !reference.empty())
                    named.emplace_back(reference);
            }
            beds += (*resource)["physicalType"]["coding"][std::size_t{0}]["code"].string() == "bd" ? 1 : 0;
        }
    }
    EXPECT_GT(entries, 3'000u);
    EXPECT_EQ(beds, 1'107u) << "those of the plan's three hospitals";
    for (const std::string& each : named) EXPECT_TRUE(ids.contains(each)) << each;
}

/// Crossing number, written apart from the code that is tested.
bool is_within(json::Value rings, double x, double y) {
    bool inside = false;
    for (const json::Node& node : rings.items()) {
        const json::Value ring(&node);
        for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
            const auto at = [&](std::size_t k, std::size_t axis) { return std::stod(std::string(ring[k][axis].text())); };
            const double y1 = at(i, 1), y2 = at(i + 1, 1);
            if ((y1 > y) != (y2 > y) && x < at(i, 0) + (y - y1) / (y2 - y1) * (at(i + 1, 0) - at(i, 0))) inside = !inside;
        }
    }
    return inside;
}

TEST(Places, OfEveryoneWhoSendsLieInsideTheDistrictAndApart) {
    const content::Files files;
    const auto places = places_of(files, made().district);
    EXPECT_EQ(places.size(), made().district.institutions.size() + made().district.schools.size() + 1);
    EXPECT_EQ(places, places_of(files, made().district)) << "the same every time";
    json::Arena arena;
    const auto map = json::parse(arena.keep(*files.read("screen/map.json")), arena);
    ASSERT_TRUE(map.ok());
    json::Value district;
    for (const json::Node& node : (*map)["areas"].items()) {
        if (json::Value(&node)["code"].string() == "130303") district = json::Value(&node);
    }
    std::set<std::array<double, 2>> different;
    for (const auto& [key, place] : places) {
        EXPECT_TRUE(is_within(district["rings"], place[0], place[1])) << key;
        different.insert(place);
    }
    EXPECT_GT(different.size(), places.size() * 95 / 100);
    EXPECT_TRUE(keeps_workbooks("primary-03"));
    EXPECT_TRUE(keeps_workbooks("clinic-11"));
    EXPECT_FALSE(keeps_workbooks("clinic-12"));
    EXPECT_FALSE(keeps_workbooks("nanguan"));
}

TEST(Content, EveryDiagnosisAndProcedureIsInTheNationalTables) {
    const content::Files files;
    const Facts& facts = made().facts;
    std::set<std::string, std::less<>> icd, operations;
    for (const auto& [path, codes] : {std::pair{"terminology/icd-10.csv", &icd}, {"terminology/icd-9-cm-3.csv", &operations}}) {
        const auto text = files.read(path);
        ASSERT_TRUE(text);
        for (const std::string_view line : lines(*text)) codes->emplace(line.substr(0, line.find(',')));
    }
    for (const auto* list : {&facts.visits, &facts.stays}) {
        for (const Complaint& each : *list) {
            EXPECT_TRUE(icd.contains(each.code)) << each.code;
            if (!each.procedure.empty()) {
                EXPECT_TRUE(operations.contains(each.procedure)) << each.procedure;
            }
        }
    }
    for (const Chronic& each : facts.chronic) EXPECT_TRUE(icd.contains(each.code)) << each.code;
    for (const Cause& each : facts.causes) EXPECT_TRUE(icd.contains(each.code)) << each.code;
    for (const Pathogen& each : facts.pathogens) EXPECT_TRUE(icd.contains(each.code)) << each.code;
    for (const std::string_view code :
         {"O80.900", "O82.900", "Z00.000", "Z00.100", "Z34.900", "Z35.900", "Z39.200", "A09.900", "J06.900"})
        EXPECT_TRUE(icd.contains(code)) << code;
}

TEST(Content, ATableThatIsWrongIsRefusedByFileRowAndColumn) {
    const testing::ScratchFolder folder;
    std::filesystem::create_directories(folder.path() / "city");
    std::ofstream(folder.path() / "city/weather.csv")
        << "month,mean,deviation,rain_days\n1,cold,3,2\n2,1,1,1\n3,1,1,1\n4,1,1,1\n5,1,1,1\n6,1,1,1\n7,1,1,1\n8,1,1,1\n9,1,1,"
           "1\n10,1,1,1\n11,1,1,1\n12,1,1,1\n";
    auto files = content::Files::over(folder.path());
    ASSERT_TRUE(files.ok());
    Memory sink;
    const auto result = make(files.value(), small(200), sink);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.outcome().line(), "city/weather.csv row 2, column mean: expected a number");
}

TEST(City, RefusesWhatCannotBeMadeAndNamesTheOption) {
    Memory sink;
    Request request = small(10);
    EXPECT_EQ(make(content::Files(), request, sink).outcome().issues[0].where, "--population");
    request = small(1000, 50);
    EXPECT_EQ(make(content::Files(), request, sink).outcome().issues[0].where, "--years");
    request = small(1000);
    request.end = "2026-13-40";
    EXPECT_EQ(make(content::Files(), request, sink).outcome().issues[0].where, "--end");
}

TEST(Areas, AreTakenFromThePackageInTheCompactForm) {
    const Divisions divisions{"code,name\n13,\"河北省\"\n21,\"辽宁省\"\n", "code,name,provinceCode\n1303,\"秦皇岛市\",13\n",
                              "code,name,cityCode,provinceCode\n130303,\"山海关区\",1303,13\n",
                              "code,name,areaCode,provinceCode,cityCode\n130303100,\"第一关镇\",130303,13,1303\n",
                              "code,name,streetCode,provinceCode,cityCode,areaCode\n130303100201,\"大街村委会\",130303100,13,"
                              "1303,130303\n130303100001,\"某某社区居民委员会\",130303100,13,1303,130303\n"
                              "130303100500,\"林场管理区\",130303100,13,1303,130303\n"};
    const auto text = compact_areas(divisions, "13");
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(text.value(),
              "13 河北省\n03 秦皇岛市\n 03 山海关区\n  100 第一关镇\n   201V大街\n   001c某某社区\n   500=林场管理区\n");
    EXPECT_EQ(compact_areas(divisions, "99").outcome().issues[0].where, "--province");
}

TEST(District, HasTheInstitutionsVillagesAndBedsOfThePlan) {
    const auto facts = read_facts(content::Files());
    ASSERT_TRUE(facts.ok()) << facts.outcome().line();
    const District district = make_district(facts.value(), 0, 165'000, 1);
    std::map<Kind, int> kinds;
    int villages = 0, communities = 0;
    for (const Institution& each : district.institutions) ++kinds[each.kind];
    for (const Community& each : district.communities) ++(each.is_urban ? communities : villages);
    kinds.erase(Kind::pharmacy);  // not counted among institutions of health
    int all = 0;
    for (const auto& [kind, count] : kinds) all += count;
    EXPECT_EQ(all, 197);
    EXPECT_EQ(kinds[Kind::hospital], 3);
    EXPECT_EQ(kinds[Kind::village_room], 90);
    EXPECT_EQ(villages, 97);  // 96 villages and the forest farm
    EXPECT_EQ(communities, 20);
    EXPECT_NEAR(district.beds(), 1107, 0.5);
}

}  // namespace
}  // namespace xinglin::city
