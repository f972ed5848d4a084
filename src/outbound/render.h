// SPDX-License-Identifier: Apache-2.0
// Inside the room: a delivery's versions as the receiver wants them.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bulk/deidentify.h"
#include "cda/cda.h"
#include "hl7v2/hl7v2.h"
#include "outbound/match.h"
#include "outbound/outbound.h"
#include "record/record.h"

namespace xinglin::outbound {

/// Texts that must not be shown: DATA/secrets/NAME, else XINGLIN_SECRET_NAME of the environment ('-' is '_').
class Secrets {
public:
    explicit Secrets(std::filesystem::path folder) : folder_(std::move(folder)) {}
    /// Without white space at its end. Refuses (where: secret) one that is missing, open to others, or empty.
    Result<std::string> read(std::string_view name) const;
    /// The file's path, for what reads files itself; refuses when there is none.
    Result<std::string> file(std::string_view name) const;
    /// The same, of a file that holds a key: refuses also one that others may read.
    Result<std::string> file_of_key(std::string_view name) const;

private:
    std::filesystem::path folder_;
};

/// Makes the bytes. For one thread.
class Renderer {
public:
    /// How a resource's version is read; nothing when it is not there.
    using Read = std::function<std::optional<std::string>(std::string_view type, std::string_view id, std::int64_t version)>;

    /// Everything the record has of a patient, of the types asked for.
    using Gather = std::function<std::vector<std::string>(std::string_view patient, std::span<const std::string_view> types)>;

    Renderer(const Compiled& channel, const hl7v2::Tables* tables, const content::Files& content, const Secrets& secrets,
             Read read)
        : compiled_(channel), tables_(tables), content_(content), secrets_(secrets), read_(std::move(read)) {}

    /// `created_ms` and `control_id` of the delivery: rendered again it gives the same bytes. Refuses what cannot be said in the
    /// channel's format. Of several versions of one resource in a transaction the last goes out.
    Result<Payload> render(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id);
    /// For shared documents; without it they are refused.
    void write_documents(const cda::Knowledge* knowledge, Gather gather);
    /// Resources as they are given, not read: for examples and trials. version 0: any.
    void know(std::string_view type, std::string_view id, std::string text);

private:
    const Compiled& compiled_;
    const hl7v2::Tables* tables_;
    const content::Files& content_;
    const Secrets& secrets_;
    const Read read_;
    const cda::Knowledge* knowledge_ = nullptr;
    Gather gather_;
    json::Arena arena_;
    std::map<std::string, json::Value, std::less<>> known_;  // "Type/id"
    std::optional<bulk::Deidentifier> deidentifier_;
    int year_ = 0;

    const Channel& channel() const { return compiled_.channel(); }
    Result<json::Value> version(const Item& item);
    json::Value resolve(std::string_view reference);
    Result<Done> prepare(std::int64_t created_ms);
    json::Value without_person(json::Value resource);
    Result<Payload> transaction(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id);
    Result<Payload> shared_document(const std::vector<Item>& items, std::int64_t created_ms);
    Result<Payload> document(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id);
    Result<Payload> lines(const std::vector<Item>& items);
    Result<Payload> message(const std::vector<Item>& items, std::int64_t created_ms, std::string_view control_id);
    Result<Payload> table(const std::vector<Item>& items, std::int64_t created_ms);
    Result<std::string> cell(const fhirpath::Expression& path, json::Value resource, const fhirpath::Environment& environment);
};

/// "discharges-20261122-X7K2P0000000012.csv"
std::string file_name(const Channel& channel, const Delivery& delivery);

}  // namespace xinglin::outbound
