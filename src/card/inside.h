// SPDX-License-Identifier: Apache-2.0
// Inside the room: what Cards is made of.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "card/card.h"
#include "card/keys.h"

namespace xinglin::card {

/// What a Patient says that matters here; of a whole person the fullest.
struct Identity {
    std::string patient, name, birth_date;
    std::vector<std::string> documents;  // identity numbers and the like
    bool deceased = false;
};

struct Cards::Inside {
    record::Store& store;
    const person::Persons& persons;
    const calendar::Clock& clock;
    const Policy policy;
    const Options options;
    std::unique_ptr<Keys> keys;

    struct Tries {
        std::int64_t since_ms = 0;
        int wrong = 0;
    };
    std::mutex tries_mutex;         // guards tries
    std::map<Number, Tries> tries;  // wrong documents at printed cards
    std::mutex list_mutex;          // guards list and its time
    std::string list;
    std::int64_t list_ms = 0;
    record::Position list_position = -1;
    std::atomic<std::uint64_t> generation{0};  // of shown cards

    record::Reader reader() const { return store.reader(access::Viewer::program("card")); }
    /// The Patients of one person; at least this one.
    std::vector<std::string> patients_of(std::string_view patient) const;
    std::optional<std::string> patient_text(record::Reader& reader, std::string_view id) const;
    /// Of the whole person; `patient` is the first living one, "" when there is none.
    Identity identity_of(std::string_view patient) const;
    /// Is this the end of a document of the person, or the birth date?
    bool fits_document(const Identity& identity, std::string_view checked) const;

    Result<search::Query> query(std::vector<std::pair<std::string, std::string>> asked) const;
    /// All that a search finds, at most `most`.
    std::vector<record::Version> found(const std::vector<std::pair<std::string, std::string>>& asked, std::size_t most) const;
    std::optional<Card> read_card(Number number) const;
    std::optional<Family> read_family(std::string_view id) const;

    using AlsoCheck = std::function<Result<Done>(record::Transaction&)>;
    struct Write {
        std::string id, text;
        std::int64_t present = 0;  // the version it replaces; 0: new
    };
    /// All or none; refuses (conflict) when one has changed since.
    Result<Done> write(const std::vector<Write>& writes, const AlsoCheck& also = {});
    Result<Done> nobody_has_one(const std::vector<std::string>& patients, record::Transaction& transaction) const;
    Result<Card> read_back(Number number) const;
    Number fresh_number() const;
    bool compare(Scan& scan, const Identity& identity, const ScanAsked& asked, std::int64_t now_ms);
};

}  // namespace xinglin::card
