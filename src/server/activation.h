// SPDX-License-Identifier: Apache-2.0
// Inside the room: residents make their own accounts: identity number, e-health card, and a code sent to the phone of the record.
//
// Whoever asks is answered at once and in the same words, whether there is such a person or not; what is looked up is looked up
// afterwards, on a thread of its own. docs/decisions/0043.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "calendar/calendar.h"
#include "card/card.h"
#include "outcome/outcome.h"
#include "person/person.h"
#include "record/record.h"
#include "server/errands.h"
#include "server/log.h"

namespace xinglin::server {

/// Brings a one-time code to a phone.
struct CodeSender {
    virtual ~CodeSender() = default;
    /// Never throws; what cannot be sent is logged, without the phone.
    virtual void send(const std::string& phone, const std::string& code) = 0;
};
/// For demonstrations with made-up people: the code stands in the log.
std::unique_ptr<CodeSender> log_sender(Log& log);
/// POST {"phone","text"} to an address of the operator's own gateway; Refuses (where: --codes-to) what is no address.
Result<std::unique_ptr<CodeSender>> web_sender(std::string_view url, Log& log);

/// Safe from many threads. What is asked is kept in memory: a server that starts anew has forgotten it.
class Activation {
public:
    Activation(record::Store& store, access::Accounts& accounts, card::Cards& cards, const person::Persons& persons,
               const calendar::Clock& clock, std::unique_ptr<CodeSender> sender);

    bool offered() const { return sender_ != nullptr; }
    struct Asked {
        std::string identity;  // number of the identity document
        std::string card;      // number of the e-health card, or what its QR code says
        std::string peer;
    };
    /// A ticket, whoever it is. Refuses (throttled) who asks too often, by place and by identity number alike for all.
    Result<std::string> ask(const Asked& asked);
    struct Done {
        std::string name, password, patient;  // a one-time password
        bool is_new = true;                   // false: there was an account, whose password this now is
    };
    /// IssueCode::login, in the same words, for a wrong code, a late one and nobody at all. `name`: of the new account.
    Result<Done> finish(std::string_view ticket, std::string_view code, std::string_view name);
    /// Returns when everything asked before has been looked up and sent: for tests.
    void settle();

private:
    struct Waiting {
        std::int64_t asked_ms = 0;
        int tries = 0;
        std::string code_sha256, patient;  // "" while nobody is known to be meant
    };
    void look_up(const std::string& ticket, const Asked& asked);
    std::string patient_of(const Asked& asked);
    std::string phone_of(const std::string& patient, const std::string& identity);
    bool too_often(const std::string& key, std::size_t most, std::int64_t now_ms);

    record::Store& store_;
    access::Accounts& accounts_;
    card::Cards& cards_;
    const person::Persons& persons_;
    const calendar::Clock& clock_;
    std::unique_ptr<CodeSender> sender_;
    std::mutex mutex_;  // guards what follows
    std::map<std::string, Waiting> waiting_;
    std::map<std::string, std::vector<std::int64_t>> asked_;
    Errands errands_;  // last: ends before what it uses
};

}  // namespace xinglin::server
