// SPDX-License-Identifier: Apache-2.0
// The district's registers: areas, sites, departments, wards and beds, who works where, alliances, devices and drugs.
//
// Names of departments: list of clinical subjects of medical institutions (docs/sources.md). Codes of devices and drugs are made up.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "city/fhir_line.h"
#include "city/fhir_writer.h"
#include "message/message.h"

namespace xinglin::city {

namespace {

struct Subject {
    std::string_view code, name;
    int share;  // of a hospital's beds, in parts
};
constexpr Subject subjects[] = {{"02", "全科医疗科", 0},
                                {"03.01", "呼吸内科专业", 9},
                                {"03.02", "消化内科专业", 8},
                                {"03.03", "神经内科专业", 10},
                                {"03.04", "心血管内科专业", 11},
                                {"03.06", "肾病学专业", 5},
                                {"03.07", "内分泌专业", 5},
                                {"04", "外科", 16},
                                {"05", "妇产科", 9},
                                {"07", "儿科", 7},
                                {"10", "眼科", 3},
                                {"11", "耳鼻咽喉科", 3},
                                {"12", "口腔科", 1},
                                {"13", "皮肤科", 1},
                                {"15", "精神科", 4},
                                {"16", "传染科", 4},
                                {"19", "肿瘤科", 6},
                                {"20", "急诊医学科", 3},
                                {"21", "康复医学科", 4}};
constexpr std::string_view place_type = "http://terminology.hl7.org/CodeSystem/location-physical-type";

std::string_view subject_name(std::string_view code) {
    const auto found =
        std::find_if(std::begin(subjects), std::end(subjects), [&](const Subject& each) { return each.code == code; });
    return found == std::end(subjects) ? code : found->name;
}

/// GTIN-14 with its check digit (GS1).
std::string device_code(std::uint64_t number) {
    const std::string digits = fmt::format("0690999{:06}", number % 1'000'000);
    int sum = 0;
    for (std::size_t i = 0; i < 13; ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 3 : 1);
    return digits + static_cast<char>('0' + (10 - sum % 10) % 10);
}

class Registers {
public:
    Registers(const World& world, const Places& places, Lines& lines)
        : world_(world),
          district_(world.district),
          places_(places),
          lines_(lines),
          sender_(district_.number == 0 ? "registry" : fmt::format("d{}-registry", district_.number + 1)) {}

    void write() {
        areas();
        for (const Institution& at : district_.institutions) institution(at);
        for (const Doctor& doctor : district_.doctors) roles(doctor);
        alliances();
        drugs();
    }

private:
    const World& world_;
    const District& district_;
    const Places& places_;
    Lines& lines_;
    const std::string sender_;

    std::string id(std::string_view type, std::string_view key) const { return message::stable_id(sender_, type, key); }
    static std::string department_id(const Institution& at, std::string_view dept) {
        return message::stable_id(at.key, "Organization", fmt::format("department^{}", dept));
    }
    /// As a message of the hospital would call the ward.
    static std::string ward_id(const Institution& at, std::string_view dept) {
        return message::stable_id(at.key, "Location", fmt::format("si={}^wa={}^", at.key, dept));
    }
    void code(Line& line, std::string_view value) const {
        line.put(R"(,"identifier":[{"system":"urn:xinglin:identifier:registry","value":")", value, "\"}]");
    }
    void place(Line& line, std::string_view kind, std::string_view name) const {
        line.put(R"(,"status":"active","name":")", name, R"(","mode":"instance","physicalType":{"coding":[{"system":")",
                 place_type, R"(","code":")", kind, "\"}]}");
    }

    void area(std::string_view code, std::string_view name, std::string_view above, double longitude, double latitude) const {
        Line line(lines_, Resource::location, id("Location", code), sender_);
        line.put(R"(,"identifier":[{"system":"urn:xinglin:identifier:division","value":")", code, "\"}]");
        place(line, "jdn", name);
        if (longitude != 0)
            line.put(R"(,"position":{"longitude":)", Number{longitude, 5}, R"(,"latitude":)", Number{latitude, 5}, "}");
        if (!above.empty()) line.put(R"(,"partOf":{"reference":"Location/)", id("Location", above), "\"}");
        line.end();
    }
    void areas() const {
        const std::string county = district_.number == 0 ? world_.facts.code : "";
        if (county.empty()) return;  // further districts are copies of the first one's places
        area(county, world_.facts.name, "", 0, 0);
        for (const Town& town : world_.facts.towns) area(town.code, town.name, county, town.longitude, town.latitude);
        for (const Community& each : district_.communities)
            area(each.code, each.name, world_.facts.towns[each.town].code, each.longitude, each.latitude);
    }

    void institution(const Institution& at) const {
        const std::string site = message::stable_id(at.key, "Location", fmt::format("si={}^", at.key));
        {
            Line line(lines_, Resource::location, site, sender_);
            code(line, at.key + "-site");
            place(line, "bu", at.name);
            line.put(R"(,"address":{"extension":[{"url":"urn:xinglin:extension:division-code","valueString":")",
                     district_.communities[at.community].code, R"("}],"text":")", world_.facts.towns[at.town].name,
                     district_.communities[at.community].name, "\"}");
            if (const auto point = places_.find(at.key); point != places_.end())
                line.put(R"(,"position":{"longitude":)", Number{point->second[0], 5}, R"(,"latitude":)",
                         Number{point->second[1], 5}, "}");
            line.put(R"(,"managingOrganization":{"reference":"Organization/)", at.id, "\"}");
            line.end();
        }
        if (at.kind == Kind::hospital) departments(at, site);
        devices(at);
    }

    void departments(const Institution& at, std::string_view site) const {
        int total = 0, bed = 0, given = 0, parts = 0;
        for (const Subject& each : subjects) total += each.share;
        for (const Subject& each : subjects) {
            if (each.share == 0) continue;
            parts += each.share;
            const int upto = at.beds * parts / total;
            department(at, each);
            ward(at, each, site);
            for (bed = 1; given < upto; ++given, ++bed) one_bed(at, each, bed);
        }
    }
    void department(const Institution& at, const Subject& subject) const {
        Line line(lines_, Resource::organization, department_id(at, subject.code), sender_);
        code(line, fmt::format("{}-{}", at.key, subject.code));
        line.put(
            R"(,"active":true,"type":[{"coding":[{"system":"urn:xinglin:codesystem:registry-unit","code":"department"}]}],"name":")",
            subject.name, R"(","partOf":{"reference":"Organization/)", at.id, "\"}");
        line.end();
    }
    void ward(const Institution& at, const Subject& subject, std::string_view site) const {
        Line line(lines_, Resource::location, ward_id(at, subject.code), sender_);
        code(line, fmt::format("{}-W{}", at.key, subject.code));
        place(line, "wa", fmt::format("{}病区", subject.name.substr(0, subject.name.find("专业"))));
        line.put(R"(,"managingOrganization":{"reference":"Organization/)", at.id, R"("},"partOf":{"reference":"Location/)", site,
                 "\"}");
        line.end();
    }
    void one_bed(const Institution& at, const Subject& subject, int number) const {
        const std::string value = fmt::format("{}-W{}-{:03}", at.key, subject.code, number);
        Line line(lines_, Resource::location, id("Location", value), sender_);
        code(line, value);
        const std::uint64_t chance = mix_of(static_cast<std::uint64_t>(number) * 1009 + at.doctors * 31 + subject.code[1]) % 100;
        const char state = chance < 78 ? 'O' : chance < 94 ? 'U' : chance < 96 ? 'H' : chance < 98 ? 'I' : 'C';
        place(line, "bd", fmt::format("{}床", number));
        line.put(R"(,"operationalStatus":{"system":"http://terminology.hl7.org/CodeSystem/v2-0116","code":")",
                 std::string(1, state), R"("},"managingOrganization":{"reference":"Organization/)",
                 department_id(at, subject.code), R"("},"partOf":{"reference":"Location/)", ward_id(at, subject.code), "\"}");
        line.end();
    }

    void role(const Doctor& doctor, const Institution& at, std::string_view key, std::string_view title,
              std::string_view from) const {
        Line line(lines_, Resource::practitioner_role, id("PractitionerRole", key), sender_);
        line.put(R"(,"active":true,"period":{"start":")", from, R"("},"practitioner":{"reference":"Practitioner/)", doctor.id,
                 R"(","display":")", doctor.name, R"("},"organization":{"reference":"Organization/)", at.id,
                 R"("},"code":[{"text":")", title, R"("}],"specialty":[{"coding":[{"code":")", doctor.dept, R"(","display":")",
                 subject_name(doctor.dept), "\"}]}]");
        line.end();
    }
    void roles(const Doctor& doctor) const {
        constexpr std::string_view titles[] = {"住院医师", "主治医师", "主治医师", "副主任医师", "主任医师"};
        const Institution& at = district_.institutions[doctor.institution];
        const std::uint64_t chance = mix_of(static_cast<std::uint64_t>(&doctor - district_.doctors.data()));
        const std::string_view title = at.kind == Kind::village_room ? "乡村医生" : titles[chance % std::size(titles)];
        role(doctor, at, doctor.number, title, fmt::format("{}-07-01", 2005 + chance % 18));
        // Doctors of a hospital see patients at a centre too (多点执业).
        if (at.kind != Kind::hospital || chance % 12 != 0) return;
        const Institution& centre =
            district_.institutions[district_.centre_of(static_cast<std::uint16_t>(chance % district_.communities.size()))];
        role(doctor, centre, doctor.number + "-2", title, "2023-01-01");
    }

    void alliances() const {
        for (std::size_t i = 0; i < std::min<std::size_t>(2, district_.hospitals.size()); ++i) {
            const Institution& head = district_.institutions[district_.hospitals[i]];
            const std::string key = fmt::format("{}-alliance", head.key);
            {
                Line line(lines_, Resource::organization, id("Organization", key), sender_);
                code(line, key);
                line.put(
                    R"(,"active":true,"type":[{"coding":[{"system":"urn:xinglin:codesystem:registry-unit","code":"alliance"}]}],"name":")",
                    head.name, "医共体\"");
                line.end();
            }
            std::set<std::string> members{head.id};
            for (std::size_t town = 0; town < district_.centres.size(); ++town) {
                if (town % 2 != i) continue;
                for (const auto* each : {&district_.centres[town], &district_.stations[town]}) {
                    for (const std::uint16_t member : *each) members.insert(district_.institutions[member].id);
                }
            }
            for (const std::string& member : members) {
                Line line(lines_, Resource::organization_affiliation, id("OrganizationAffiliation", key + member), sender_);
                line.put(R"(,"active":true,"period":{"start":"2022-01-01"},"organization":{"reference":"Organization/)",
                         id("Organization", key), R"("},"participatingOrganization":{"reference":"Organization/)", member,
                         R"("},"code":[{"text":")", member == head.id ? "牵头单位" : "成员单位", "\"}]");
                line.end();
            }
        }
    }

    void devices(const Institution& at) const {
        struct Model {
            std::string_view name, model;
            int per_beds;  // one for so many beds
        };
        constexpr Model of_hospitals[] = {{"X射线计算机体层摄影设备", "CT-64", 240}, {"医用磁共振成像系统", "MR-1.5T", 400},
                                          {"彩色多普勒超声诊断仪", "US-8", 90},      {"呼吸机", "V-60", 45},
                                          {"全自动生化分析仪", "BA-800", 240},       {"除颤监护仪", "DF-2", 60}};
        constexpr Model of_centres[] = {
            {"数字化医用X射线摄影系统", "DR-50", 1}, {"彩色多普勒超声诊断仪", "US-5", 1}, {"数字式十二道心电图机", "ECG-12", 1}};
        const bool hospital = at.kind == Kind::hospital;
        if (!hospital && at.kind != Kind::centre) return;
        const Model* models = hospital ? of_hospitals : of_centres;
        for (std::size_t m = 0; m < (hospital ? std::size(of_hospitals) : std::size(of_centres)); ++m) {
            const int count = hospital ? std::max(1, at.beds / models[m].per_beds) : 1;
            for (int i = 1; i <= count; ++i) {
                const std::string value = fmt::format("{}-E{}-{:02}", at.key, m + 1, i);
                Line line(lines_, Resource::device, id("Device", value), sender_);
                code(line, value);
                line.put(R"(,"udiCarrier":[{"deviceIdentifier":")", device_code(m + (hospital ? 100 : 200)),
                         R"("}],"status":"active","serialNumber":")",
                         fmt::format("SN{:08}", mix_of(m * 977 + static_cast<std::uint64_t>(i) + at.doctors) % 100'000'000),
                         R"(","deviceName":[{"name":")", models[m].name, R"(","type":"user-friendly-name"}],"modelNumber":")",
                         models[m].model, R"(","owner":{"reference":"Organization/)", at.id, "\"}");
                line.end();
            }
        }
    }

    void drugs() const {
        if (district_.number != 0) return;
        std::size_t number = 0;
        for (const Medicine& each : world_.facts.medicines) {
            const std::string value = fmt::format("8690000000{:04}", ++number);
            Line line(lines_, Resource::medication, id("Medication", value), sender_);
            line.put(R"(,"identifier":[{"system":"urn:xinglin:identifier:drug-code","value":")", value, R"("}],"code":{)");
            if (!each.atc.empty()) line.put(R"("coding":[{"system":"http://www.whocc.no/atc","code":")", each.atc, R"("}],)");
            line.put(R"("text":")", each.name, " ", each.strength, R"("},"status":"active")");
            line.end();
        }
    }
};

}  // namespace

void write_registers(const World& world, const Places& places, Lines& lines) { Registers(world, places, lines).write(); }

}  // namespace xinglin::city
