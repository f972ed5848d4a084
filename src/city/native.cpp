// SPDX-License-Identifier: Apache-2.0
// Sending: which institution sends what, transmission faults, files in order of time, and the account of it all.
#include "city/native.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <iterator>

#include "calendar/calendar.h"
#include "city/fhir_writer.h"
#include "city/random.h"

namespace xinglin::city {

std::string to_gb18030(std::string_view text) {
    const iconv_t converter = iconv_open("GB18030", "UTF-8");
    if (converter == iconv_t(-1)) throw std::runtime_error("this machine has no GB18030 encoding");
    std::string out(text.size() * 2 + 8, '\0');
    char *from = const_cast<char*>(text.data()), *to = out.data();
    std::size_t left = text.size(), room = out.size();
    while (left > 0 && iconv(converter, &from, &left, &to, &room) == static_cast<std::size_t>(-1) && left > 0) {
        ++from, --left;  // what cannot be said there
        *to++ = '?';
        --room;
    }
    iconv_close(converter);
    out.resize(static_cast<std::size_t>(to - out.data()));
    return out;
}

void put_cell(std::string& out, std::string_view cell, bool last) {
    if (cell.find_first_of(",\"\r\n") == std::string_view::npos) out += cell;
    else {
        out += '"';
        for (const char c : cell) {
            if (c == '"') out += '"';
            out += c;
        }
        out += '"';
    }
    out += last ? "\r\n" : ",";
}

Written Sending::as_known_to(std::uint32_t source, std::int32_t day, std::uint32_t visit) const {
    const bool second = has_second_number(world, story.person, source) && visit % 2 == 1;
    return written(world, alike, story.person, source, day, second);
}

Native& Sending::add(const Institution& at, std::int64_t time, std::string_view kind, std::string_view format,
                     const Written& who) {
    Native native{};
    native.time = time;
    native.order = static_cast<std::uint64_t>(story.person) * 65'536 + (out.size() - first);
    native.source = at.key;
    native.kind = kind;
    native.person = story.person;
    native.number = who.number;
    native.control_id =
        fmt::format("{:016X}", mix(mix(mix(world.district.seed + story.person) + static_cast<std::uint64_t>(time)) +
                                   (out.size() - first) + at.key.size() * 77));
    const bool table = format == "csv";
    native.path = table ? fmt::format("sources/{}/{}/", at.key, kind) : fmt::format("sources/{}/{}/", at.key, format);
    native.ending = table ? ".csv" : format == "hl7" ? ".hl7" : format == "fhir" ? ".ndjson" : ".xml";
    out.push_back(std::move(native));
    return out.back();
}

void natives(const World& world, const Alike& alike, const Story& story, std::int64_t from, std::int64_t until,
             std::vector<Native>& out) {
    const std::size_t first = out.size();
    Sending sending{world, alike, story, from, until, out, first};
    for (const Visit& visit : story.visits) {
        const Institution& at = world.district.institutions[visit.institution];
        if (visit.start >= until || visit.end + 3 * 86'400 < from) continue;
        if (at.format == "hl7v2") {
            hl7_visit(sending, visit, visit.institution);
            cda_visit(sending, visit, visit.institution);
        } else if (at.format == "fhir") {
            fhir_visit(sending, visit, visit.institution);
        } else {
            table_visit(sending, visit, visit.institution);
        }
    }
    for (const Vaccination& each : story.vaccinations) {
        // What was given before the first day comes on that day, as when a programme takes over the cards; a hospital sends no history.
        const std::int64_t begin = world.people.start * 86'400ll;
        const std::int64_t sent =
            each.at >= begin ? each.at : begin + 3600 + static_cast<std::int64_t>(mix(story.person) % 20'000);
        if (!sending.is_now(sent) || (each.at < begin && world.district.institutions[each.institution].format == "hl7v2"))
            continue;
        if (world.district.institutions[each.institution].format == "hl7v2") hl7_vaccination(sending, each);
        else table_vaccination(sending, each, sent);
    }
    table_register(sending);
    birth_certificates(sending);
    signals(sending);
    for (std::size_t n = first; n < out.size(); ++n) spoil(world, out[n]);
}

void spoil(const World& world, Native& native) {
    std::uint64_t name = 0;
    for (const char c : native.control_id) name = mix(name + static_cast<unsigned char>(c));
    Random random(world.district.seed, Purpose::faults, name, 1);
    const Facts& facts = world.facts;
    const bool half = random.chance(facts.fault("half")), twice = random.chance(facts.fault("duplicate"));
    if (half && native.text.size() > 60) {
        native.text.resize(native.text.size() * static_cast<std::size_t>(random.between(35, 80)) / 100);
        while (!native.text.empty() && (static_cast<unsigned char>(native.text.back()) & 0xC0) == 0x80) native.text.pop_back();
        if (!native.text.empty() && static_cast<unsigned char>(native.text.back()) >= 0xC0) native.text.pop_back();
        native.text += native.ending == ".hl7" ? "\r\n" : native.ending == ".csv" ? "\r\n" : "\n";
        native.fault = "half";
    }
    if (twice) {
        native.copies = 2;
        if (native.fault.empty()) native.fault = "duplicate";
    }
}

void Ledger::send(std::vector<Native>& natives, Sink& sink) {
    const auto month = [](const Native& native) {
        return date_text(static_cast<std::int32_t>(native.time / 86'400)).substr(0, 7);
    };
    std::sort(natives.begin(), natives.end(), [&](const Native& a, const Native& b) {
        if (a.path != b.path) return a.path < b.path;
        if (a.time != b.time) return a.time < b.time;
        return a.order != b.order ? a.order < b.order : a.control_id < b.control_id;
    });
    std::string file, body;
    const auto flush = [&] {
        if (!body.empty()) sink.append(file, body);
        body.clear();
    };
    for (const Native& native : natives) {
        // A CDA document is a file of its own.
        const std::string now = native.ending == ".xml" ? native.path + native.control_id + native.ending
                                                        : native.path + month(native) + native.ending;
        if (now != file || body.size() > (1u << 20)) {
            flush();
            file = now;
        }
        if (!native.head.empty() && !begun_[file]) {
            begun_[file] = true;
            body += native.gb18030 ? to_gb18030(native.head) : native.head;
        }
        const std::string text = native.gb18030 ? to_gb18030(native.text) : native.text;
        const int copies = native.ending == ".xml" ? 1 : native.copies;
        for (int copy = 0; copy < copies; ++copy) body += text;
        Count& count = counts_[fmt::format("{},{},{}", native.source, native.kind, month(native))];
        count.sent += static_cast<std::uint64_t>(copies);
        ++count.distinct;
        count.half += native.fault == "half";
        count.wrong_code += native.fault == "wrong_code";
        count.clock_off += native.fault == "clock_off";
        sent_ += static_cast<std::uint64_t>(copies);
        if (!native.fault.empty())
            fmt::format_to(std::back_inserter(faults_), "{},{},{},{},{}\n", native.source, native.kind, native.control_id,
                           time_text(native.time), native.fault);
        if (native.person != none32 && !native.number.empty())
            numbers_.emplace(std::make_pair(native.source, native.number), native.person);
    }
    flush();
}

namespace {

/// A person as an institution has them in its files: what telling people apart is tried on.
void add_record(std::string& out, const std::pair<std::string, std::string>& key, const Written& who, const std::string& person,
                const std::string& mistakes) {
    put_cell(out, fmt::format("{}-{}", key.first, key.second));
    for (const std::string& cell :
         {who.name(), std::string(who.male ? "男" : "女"), date_text(who.birth), who.id, who.phone, who.address, person})
        put_cell(out, cell);
    put_cell(out, mistakes, true);
}

}  // namespace

void Ledger::close(const Alike& alike, Sink& sink) {
    const District& district = world_.district;
    const bool first = district.number == 0;
    std::string text = first ? "source,kind,month,sent,distinct,half,wrong_code,clock_off\n" : "";
    for (const auto& [key, count] : counts_)
        fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{}\n", key, count.sent, count.distinct, count.half,
                       count.wrong_code, count.clock_off);
    sink.append("truth/messages.csv", text);
    sink.append("truth/faults.csv", (first ? "source,kind,control_id,sent_at,fault\n" : "") + faults_);
    text = first ? "source,local_patient_id,person,patient_id,mistakes\n" : "";
    std::string records = first ? "id,name,sex,birth_date,national_id,phone,address,person,mistakes\n" : "";
    std::map<std::string_view, std::uint32_t> places;
    for (std::uint32_t n = 0; n < district.institutions.size(); ++n) places[district.institutions[n].key] = n;
    for (const auto& [key, person] : numbers_) {
        const auto place = places.find(key.first);
        std::string mistakes;
        if (place != places.end()) {
            const bool second = has_second_number(world_, person, place->second);
            Written who = written(world_, alike, person, place->second, world_.people.end - 1, false);
            if (second && who.number != key.second)
                who = written(world_, alike, person, place->second, world_.people.end - 1, true);
            for (const Mistake mistake : who.mistakes) {
                if (!mistakes.empty()) mistakes += '|';
                mistakes += mistake_name(mistake);
            }
            add_record(records, key, who, fmt::format("{}-{}", district.number + 1, person), mistakes);
        }
        fmt::format_to(std::back_inserter(text), "{},{},{}-{},{},{}\n", key.first, key.second, district.number + 1, person,
                       patient_id(district, person), mistakes);
        if (text.size() > (4u << 20)) {
            sink.append("truth/people.csv", text);
            sink.append("truth/records.csv", records);
            text.clear();
            records.clear();
        }
    }
    sink.append("truth/people.csv", text);
    sink.append("truth/records.csv", records);
}

}  // namespace xinglin::city
