// SPDX-License-Identifier: Apache-2.0
// What a search did, step by step, for `_explain`: recorded only when asked for.
#pragma once

#include <deque>

#include "record/cursor.h"
#include "record/record.h"

namespace xinglin::record {

class Plan {
public:
    bool on = false;

    /// A step below the one that is open. nullptr when nobody asked.
    Step* add(std::string_view kind, std::string words, std::string_view parameter = {});
    /// The cursor itself, or one that keeps the step's figures as it is read.
    CursorPtr watch(CursorPtr cursor, Step* step);
    /// The filter itself, or one that counts what it is asked.
    using Filter = std::function<bool(std::int64_t)>;
    Filter counted(Filter filter, Step* step);
    /// While it lives, steps are added below this one; its time is taken.
    class Open {
    public:
        Open(Plan& plan, Step* step);
        ~Open();
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;

    private:
        Plan& plan_;
        Step* step_;
        int before_;
        std::int64_t started_ns_ = 0;
    };
    std::vector<Step> steps() const { return {steps_.begin(), steps_.end()}; }
    static std::int64_t now_ns();

private:
    std::deque<Step> steps_;  // addresses stay
    int open_ = -1;
};

}  // namespace xinglin::record
