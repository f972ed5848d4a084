// SPDX-License-Identifier: Apache-2.0
// What is still to be sent on a connection. Small answers gather in one piece, large bodies stay where they are.
// Within this room only.
#pragma once

#include <sys/uio.h>

#include <span>
#include <string>
#include <vector>

namespace xinglin::http {

class Output {
public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    /// Text to append to; call `grown` afterwards.
    std::string& tail();
    void grown();
    /// A body: copied behind its header when small, moved when large.
    void add(std::string body);

    /// The next pieces to send, at most `limit`.
    std::span<const iovec> pieces(std::vector<iovec>& room, std::size_t limit) const;
    void sent(std::size_t bytes);

private:
    std::vector<std::string> pieces_;     // a vector: one is the rule
    std::size_t first_ = 0, offset_ = 0;  // of the bytes not sent yet
    std::size_t size_ = 0;
    std::size_t tail_before_ = 0;
    bool tail_open_ = false;
};

}  // namespace xinglin::http
