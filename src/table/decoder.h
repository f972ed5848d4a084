// SPDX-License-Identifier: Apache-2.0
// Inside the room: bytes in whatever encoding they came, as UTF-8.
//
// A byte order mark settles it; then zeros at every other place (UTF-16). Otherwise plain ASCII is passed through until the
// first other byte, and what follows there decides: well-formed UTF-8, or GB18030, which nearly any other bytes are.
#pragma once

#include <memory>
#include <string>

#include "table/bytes.h"

struct UConverter;

namespace xinglin::table {

class Decoder {
public:
    /// `encoding` "" finds out; refuses one that is not known.
    static Result<std::unique_ptr<Decoder>> open(std::unique_ptr<Bytes> bytes, std::string encoding);
    ~Decoder();

    /// Appends some more text; false when there is no more.
    Result<bool> more(std::string& out);
    /// As far as it is known: "" while only ASCII was seen, which is UTF-8 too.
    const std::string& encoding() const { return encoding_; }

private:
    Decoder() = default;
    Result<Done> start();
    void decide(std::string_view piece);
    void append_utf8(std::string_view piece, std::string& out, bool last);
    void append_converted(std::string_view piece, std::string& out, bool last);
    Result<Done> open_converter();

    std::unique_ptr<Bytes> bytes_;
    std::string encoding_, piece_, carried_;  // carried: a character begun at the end of the last piece
    UConverter* converter_ = nullptr;
    bool started_ = false, done_ = false;
};

}  // namespace xinglin::table
