// SPDX-License-Identifier: Apache-2.0
// HL7 v2.3 to 2.8 in ER7: reading, framing (MLLP), answering (ACK), explaining, and what a message becomes in FHIR R4.
//
// Everything here is pure: no clock, no file, no network; safe from any thread. Tables (codes, names of fields) are content
// (content/mappings/hl7v2) and are handed in. Sources: docs/sources.md, "HL7 v2".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "content/content.h"
#include "json/json.h"
#include "message/message.h"
#include "outcome/outcome.h"

namespace xinglin::hl7v2 {

struct Limits {
    std::size_t bytes = 32u << 20;
    std::size_t segments = 50'000;
    std::size_t fields = 400'000;     // of all segments together
    std::size_t resources = 100'000;  // that one message may become
};

/// MSH-1 and MSH-2: a sender may choose any.
struct Delimiters {
    char field = '|', component = '^', repetition = '~', escape = '\\', subcomponent = '&';
    char truncation = '\0';  // 2.7: '#' at the end of a value says that it was cut; NUL when there is none
};

struct Segment {
    std::string_view name;         // "PID"
    std::uint32_t first = 0;       // where its fields begin in Message::fields
    std::uint32_t count = 0;       // number of fields; MSH-1 counts
    std::uint32_t line = 0;        // 1 for MSH
    std::uint32_t occurrence = 1;  // 2 for the second OBX
    std::uint32_t occurrences = 1;
};

/// One message, decoded to UTF-8 and cut into segments and fields; nothing is unescaped yet.
struct Message {
    std::unique_ptr<const std::string> text;  // UTF-8, without frame and byte order mark; all views point into it
    std::string encoding;                     // what the bytes were: "UTF-8", "GB18030", "ISO-8859-1", …
    Delimiters delimiters;
    std::vector<Segment> segments;         // MSH first
    std::vector<std::string_view> fields;  // of all segments
    std::vector<message::Note> notes;      // what was put up with: lines that continue a text, a wrong character set

    /// The field as sent; "" when there is none. `number` counts from 1 as HL7 does.
    std::string_view field(const Segment& segment, std::uint32_t number) const;
    /// The first segment of this name; nullptr when there is none.
    const Segment* find(std::string_view name) const;
    /// "PID-5", or "OBX[2]-5" when there are several.
    std::string place(const Segment& segment, std::uint32_t number = 0) const;
};

/// Reads one message. MLLP frame bytes and a byte order mark around it are put up with, as are segments that end in CR, LF or
/// CRLF. The encoding: sender.encoding, else the byte order mark, else MSH-18, else UTF-8 if it is, else GB18030.
/// Refuses, with the place: no MSH, delimiters that can't be, a line that is no segment, a message of another kind than HL7, over a limit.
Result<Message> read(std::string_view bytes, const message::Sender& sender, const Limits& limits = {});

/// What MSH says. Refuses a message without a type (MSH-9).
Result<message::Facts> facts_of(const Message& message, const message::Sender& sender);
/// The same for bytes: for whoever must file a message before it is converted, or that can't be.
Result<message::Facts> facts_of(std::string_view bytes, const message::Sender& sender);

/// The messages of a file: one, MSH after MSH, a batch (FHS BHS … BTS FTS), MLLP frames, or any mixture. What stands before the
/// first MSH and is neither is a piece of its own, so that it can be refused and counted.
struct Piece {
    std::string_view bytes;
    std::size_t line = 1;  // of the file
};
std::vector<Piece> split(std::string_view file);

/// The bytes of a message without what transport adds or changes: frame, byte order mark, kind of line end, blank lines. Two
/// messages are the same when this and their control id are.
std::string canonical(std::string_view bytes);

/// Text with escape sequences put out: \F\ \S\ \T\ \R\ \E\ \P\ \Xhh…\ \.br\ \.sp n\ \.in\ \.ti\ \.ce\ \H\ \N\ \Cxxyy\ \Mxxyyzz\.
/// Unknown ones are kept as they stand. \Z…\ (local) is dropped.
std::string unescape(std::string_view text, const Delimiters& delimiters);
std::string escape(std::string_view text, const Delimiters& delimiters = {});

// ---- Answers ------------------------------------------------------------------------------------------------------------

/// MSA-1. The enhanced ones say only that it is kept (CA) or not (CE, CR).
enum class Answer : std::uint8_t { AA, AE, AR, CA, CE, CR };
std::string_view code_of(Answer answer);

/// How to answer: when the sender asks for commit acknowledgements (MSH-15), CA/CE/CR; else AA/AE/AR. Nothing when it asks for none.
std::optional<Answer> answer_for(const Message& message, bool accepted, bool broken = false);

struct Error {
    std::string where;  // "PID-7", "OBX[2]-5"; "" when it concerns the whole
    std::string code =
        "207";  // HL7 table 0357: 100 segment order, 101 required field, 102 data type, 103 table value, 200 to 203 type and version, 207 internal
    std::string text;
};

/// An ACK message (segments end in CR), in the version, delimiters and character set of what is answered, sender and receiver exchanged.
/// `control_id` is the answer's own (MSH-10), `now` an HL7 time. Errors go to ERR (2.5 and later ERR-2, 3, 4, 8; before, ERR-1) and the first to MSA-3.
std::string acknowledge(const Message& message, Answer answer, std::string_view control_id, std::string_view now,
                        std::span<const Error> errors = {}, std::string_view version_text = {});
/// For bytes that could not be read: an AR (or CR) that says as much as can be made out of them.
std::string reject(std::string_view bytes, std::string_view control_id, std::string_view now, const Outcome& why);
/// The refusal as errors for the answer.
std::vector<Error> errors_of(const Outcome& outcome);

// ---- MLLP ---------------------------------------------------------------------------------------------------------------

/// <VT>message<FS><CR>
std::string frame(std::string_view message);

/// Takes bytes as they come and hands out whole messages. Not for use by two threads at once.
class FrameReader {
public:
    explicit FrameReader(std::size_t limit = 32u << 20) : limit_(limit) {}
    /// Refuses when a message grows over the limit or bytes come outside a frame that are not white space; close the line then.
    Result<Done> take(std::string_view bytes);
    /// The next whole message, or nothing yet.
    std::optional<std::string> next();
    /// Bytes held back: a message has begun and not ended.
    std::size_t waiting() const { return buffer_.size() - at_; }
    bool in_frame() const { return inside_; }

private:
    std::size_t limit_;
    std::string buffer_;
    std::size_t at_ = 0;       // handed out so far
    std::size_t scanned_ = 0;  // looked at for an end so far
    bool inside_ = false;
};

// ---- Tables -------------------------------------------------------------------------------------------------------------

/// What content/mappings/hl7v2 says: codes.csv, systems.csv, fields.csv. Immutable once loaded.
class Tables {
public:
    struct Target {
        std::string code, system, display;
    };
    struct Words {
        std::string name, name_zh, type, table;
    };
    /// Refuses a file that can't be read as such, naming file and row.
    static Result<Tables> load(const content::Files& files);

    /// What `code` of a table ("0001", "0001CN") becomes; nullptr when the table doesn't say.
    const Target* target(std::string_view table, std::string_view code) const;
    /// The code of the table that becomes `target`; "" when there is none.
    std::string_view source(std::string_view table, std::string_view target) const;
    /// The address of a coding system by its name in HL7 ("LN", "SCT"); "" when unknown.
    std::string_view system(std::string_view name) const;
    /// The name in HL7 of a coding system's address; "" when unknown.
    std::string_view system_name(std::string_view system) const;
    /// Name of a segment ("PID") or field ("PID-5"); nullptr when there is none.
    const Words* words(std::string_view place) const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    template <typename T>
    using Map = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
    Map<Target> targets_;
    Map<std::string> sources_, systems_, system_names_;
    Map<Words> words_;
};

// ---- FHIR ---------------------------------------------------------------------------------------------------------------

/// What a message becomes: the v2-to-FHIR guide where it speaks, national codes for Chinese messages. Every populated field is
/// carried, kept as an extension "urn:xinglin:hl7v2:SEGMENT" of the resource its segment became, or named in a note.
Result<message::Converted> convert(std::string_view bytes, const message::Sender& sender, const Tables& tables,
                                   const Limits& limits = {});
Result<message::Converted> convert(const Message& message, const message::Sender& sender, const Tables& tables,
                                   const Limits& limits = {});
/// The same without writing it down: `tree` instead of `bundle`.
Result<message::Converted> convert_to_tree(std::string_view bytes, const message::Sender& sender, const Tables& tables,
                                           const Limits& limits = {});

struct WriteOptions {
    std::string event;       // of ADT: "A01"; "" is chosen by the state of the visit
    std::string control_id;  // MSH-10
    std::string now;         // an HL7 time: MSH-7, EVN-2
    std::string application, facility, receiving_application, receiving_facility;
    std::string version = "2.5.1";
    std::string encoding = "UTF-8";  // or "GB18030"
    bool national = true;            // sex by GB/T 2261.1, country CHN
};
/// The resource a literal reference ("Patient/7") names; nothing when it is not there.
using Resolve = std::function<json::Value(std::string_view reference)>;
/// A Patient or Encounter as ADT, a DiagnosticReport as ORU^R01, an Immunization as VXU^V04. What they refer to is asked from `resolve`.
/// Refuses other types, a missing patient, and characters that the encoding doesn't have.
Result<std::string> write(json::Value focus, const Resolve& resolve, const WriteOptions& options, const Tables& tables);

// ---- Explaining ---------------------------------------------------------------------------------------------------------

struct FieldWords {
    std::string place;          // "PID-5"
    std::string name, name_zh;  // "Patient Name"; "" when not known
    std::string value;          // as sent, unescaped, components apart by the sender's separator
    std::string meaning;        // of a coded value, when the tables know it
};
struct SegmentWords {
    std::string name, title, title_zh;
    std::vector<FieldWords> fields;  // the populated ones
};
struct Explanation {
    message::Facts facts;
    std::string encoding;
    std::vector<SegmentWords> segments;
};
Result<Explanation> explain(std::string_view bytes, const message::Sender& sender, const Tables& tables);
/// `[{name,title,title_zh,fields:[{place,name,name_zh,value,meaning}]}]`. Texts stay those of `words`.
json::Value segments_json(const Explanation& words, json::Arena& arena);

}  // namespace xinglin::hl7v2
