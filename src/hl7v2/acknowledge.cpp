// SPDX-License-Identifier: Apache-2.0
// Answers to messages (HL7 v2.8 chapter 2.9): MSH, MSA, ERR.
#include <fmt/format.h>

#include "hl7v2/charset.h"
#include "hl7v2/hl7v2.h"
#include "text/text.h"

namespace xinglin::hl7v2 {

namespace {

std::string component(std::string_view field, const Delimiters& d, std::size_t number) {
    for (; number > 1; --number) {
        const std::size_t at = field.find(d.component);
        if (at == std::string_view::npos) return {};
        field.remove_prefix(at + 1);
    }
    return std::string(field.substr(0, field.find(d.component)));
}

/// "2.5" or later writes ERR with separate fields.
bool is_modern(std::string_view version) {
    return version.size() >= 3 && (version[0] > '2' || (version[0] == '2' && version[2] >= '5' && version[2] <= '9'));
}

/// "OBX[2]-5.1" as ERL: segment, sequence, field, repetition, component.
std::string location(std::string_view where, const Delimiters& d) {
    if (where.size() < 3 || where[0] < 'A' || where[0] > 'Z') return {};
    const std::string_view name = where.substr(0, 3);
    for (const char c : name) {
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) return {};
    }
    std::string_view rest = where.substr(3);
    std::string_view occurrence = "1";
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return {};
        occurrence = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
    }
    if (!rest.starts_with('-')) return fmt::format("{}{}{}", name, d.component, occurrence);
    rest.remove_prefix(1);
    const auto dot = rest.find('.');
    std::string out = fmt::format("{0}{1}{2}{1}{3}", name, d.component, occurrence, rest.substr(0, dot));
    if (dot != std::string_view::npos) out += fmt::format("{0}1{0}{1}", d.component, rest.substr(dot + 1));
    return out;
}

struct Words0357 {
    std::string_view code, text;
};
constexpr Words0357 table_0357[] = {
    {"0", "Message accepted"},
    {"100", "Segment sequence error"},
    {"101", "Required field missing"},
    {"102", "Data type error"},
    {"103", "Table value not found"},
    {"200", "Unsupported message type"},
    {"201", "Unsupported event code"},
    {"202", "Unsupported processing id"},
    {"203", "Unsupported version id"},
    {"204", "Unknown key identifier"},
    {"205", "Duplicate key identifier"},
    {"206", "Application record locked"},
    {"207", "Application internal error"},
};
std::string_view text_0357(std::string_view code) {
    for (const Words0357& each : table_0357) {
        if (each.code == code) return each.text;
    }
    return {};
}

/// MSA-3 holds 240 characters at most; a character of several bytes is not cut.
std::string short_text(std::string_view text, const Delimiters& d) {
    std::size_t end = std::min<std::size_t>(text.size(), 160);
    while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return escape(text.substr(0, end), d);
}

std::string error_segment(const Error& error, std::string_view version, const Delimiters& d) {
    const std::string at = location(error.where, d);
    const char f = d.field, c = d.component;
    const std::string text = escape(error.text, d);
    if (!is_modern(version)) {  // ERR-1: segment ^ sequence ^ field ^ code & text & table
        std::string place = at.empty() ? fmt::format("{0}{0}", c) : at;
        while (std::count(place.begin(), place.end(), c) < 2) place += c;
        const char s = d.subcomponent != '\0' ? d.subcomponent : '&';
        return fmt::format("ERR{}{}{}{}{}{}{}HL70357\r", f, place, c, error.code, s, escape(text_0357(error.code), d), s);
    }
    return fmt::format("ERR{0}{0}{1}{0}{2}{3}{4}{3}HL70357{0}E{0}{0}{0}{0}{5}\r", f, at, error.code, c,
                       escape(text_0357(error.code), d), text);
}

}  // namespace

std::string_view code_of(Answer answer) {
    constexpr std::string_view codes[] = {"AA", "AE", "AR", "CA", "CE", "CR"};
    return codes[static_cast<std::size_t>(answer)];
}

std::optional<Answer> answer_for(const Message& message, bool accepted, bool broken) {
    const Segment& header = message.segments.front();
    const std::string_view accept = message.field(header, 15), application = message.field(header, 16);
    if (accept.empty() && application.empty()) return accepted ? Answer::AA : broken ? Answer::AR : Answer::AE;
    const auto wanted = [&](std::string_view condition) {
        return condition == "AL" || (condition == "ER" && !accepted) || (condition == "SU" && accepted);
    };
    if (wanted(accept)) return accepted ? Answer::CA : broken ? Answer::CR : Answer::CE;
    // Whoever asks for no commit answer but for the application's gets that one.
    if (wanted(application)) return accepted ? Answer::AA : broken ? Answer::AR : Answer::AE;
    return std::nullopt;
}

std::string acknowledge(const Message& message, Answer answer, std::string_view control_id, std::string_view now,
                        std::span<const Error> errors, std::string_view version_text) {
    const Segment& header = message.segments.front();
    const Delimiters& d = message.delimiters;
    const auto field = [&](std::uint32_t number) { return message.field(header, number); };
    const std::string version = version_text.empty() ? component(field(12), d, 1) : std::string(version_text);
    const std::string event = component(field(9), d, 2);
    std::string type = "ACK";
    if (!event.empty()) type += d.component + event;
    if (is_modern(version) || version.starts_with("2.4") || version.starts_with("2.3.1")) {
        if (!event.empty()) type += std::string(1, d.component) + "ACK";
    }
    const char f = d.field;
    std::string out = fmt::format("MSH{}{}", f, field(2));
    for (const std::string_view value : {field(5), field(6), field(3), field(4)}) out += fmt::format("{}{}", f, value);
    out += fmt::format("{0}{1}{0}{0}{2}{0}{3}{0}{4}{0}{5}", f, now, type, escape(control_id, d),
                       field(11).empty() ? "P" : field(11), version.empty() ? std::string_view("2.3") : field(12));
    if (!field(18).empty()) out += fmt::format("{0}{0}{0}{0}{0}{0}{1}", f, field(18));
    out += fmt::format("\rMSA{0}{1}{0}{2}", f, code_of(answer), field(10));
    if (!errors.empty()) out += fmt::format("{}{}", f, short_text(errors.front().text, d));
    out += '\r';
    for (const Error& error : errors.subspan(0, std::min<std::size_t>(errors.size(), 20)))
        out += error_segment(error, version, d);
    if (message.encoding != "UTF-8") {
        if (auto bytes = from_utf8(out, message.encoding)) return std::move(*bytes);
    }
    return out;
}

std::string reject(std::string_view bytes, std::string_view control_id, std::string_view now, const Outcome& why) {
    const std::vector<Error> errors = errors_of(why);
    // The header alone can often be read where the rest can't.
    const std::size_t at = bytes.find("MSH");
    if (at != std::string_view::npos && at < 64) {
        std::string_view line = bytes.substr(at);
        line = line.substr(0, line.find_first_of("\r\n"));
        if (const auto header = read(line.substr(0, 8192), {}); header.ok()) {
            const auto answer = answer_for(*header, false, true);
            return acknowledge(*header, answer.value_or(Answer::AR), control_id, now, errors);
        }
    }
    std::string out = fmt::format("MSH|^~\\&|||||{}||ACK|{}|P|2.5\rMSA|AR|", now, escape(control_id));
    if (!errors.empty()) out += "|" + short_text(errors.front().text, {});
    out += '\r';
    for (const Error& error : errors) out += error_segment(error, "2.5", {});
    return out;
}

std::vector<Error> errors_of(const Outcome& outcome) {
    std::vector<Error> out;
    for (const Issue& issue : outcome.issues) {
        if (issue.severity != Severity::error && issue.severity != Severity::fatal) continue;
        Error error{issue.where, "207", fmt::format("{}: {}", issue.where, issue.what)};
        switch (issue.code) {
            case IssueCode::required: error.code = "101"; break;
            case IssueCode::structure: error.code = "100"; break;
            case IssueCode::invalid:
            case IssueCode::value: error.code = "102"; break;
            case IssueCode::code_invalid: error.code = "103"; break;
            case IssueCode::not_supported: error.code = issue.where.starts_with("MSH-12") ? "203" : "200"; break;
            case IssueCode::duplicate: error.code = "205"; break;
            default: break;
        }
        out.push_back(std::move(error));
    }
    return out;
}

}  // namespace xinglin::hl7v2
