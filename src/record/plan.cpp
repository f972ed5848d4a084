// SPDX-License-Identifier: Apache-2.0
// Steps and the cursors that watch them.
#include "record/plan.h"

#include <bit>
#include <chrono>

namespace xinglin::record {

namespace {
class Watched final : public Cursor {
public:
    Watched(CursorPtr inner, Step& step) : inner_(std::move(inner)), step_(step) {}
    ~Watched() override { step_.touched += inner_->touched; }
    Word seek(std::int64_t key) override {
        const std::int64_t start = Plan::now_ns();
        const Word word = inner_->seek(key);
        note(start);
        if (word.key != last_) step_.kept += static_cast<std::uint64_t>(std::popcount(word.bits));
        last_ = word.key;
        return word;
    }
    std::uint64_t estimate() override {
        const std::int64_t start = Plan::now_ns();
        step_.estimate = inner_->estimate();
        note(start);
        return *step_.estimate;
    }
    bool has(std::int64_t rid) override {
        const std::int64_t start = Plan::now_ns();
        const bool there = inner_->has(rid);
        note(start);
        step_.kept += there;
        return there;
    }
    bool exact() const override { return inner_->exact(); }
    bool keep(std::int64_t rid) override { return inner_->keep(rid); }
    bool keeps_anywhere() const override { return inner_->keeps_anywhere(); }
    std::optional<std::uint64_t> count() override { return inner_->count(); }

private:
    void note(std::int64_t start) { step_.took_ms += static_cast<double>(Plan::now_ns() - start) / 1e6; }
    CursorPtr inner_;
    Step& step_;
    std::int64_t last_ = -1;
};
}  // namespace

std::int64_t Plan::now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Step* Plan::add(std::string_view kind, std::string words, std::string_view parameter) {
    if (!on) return nullptr;
    Step& step = steps_.emplace_back();
    step.id = static_cast<int>(steps_.size()) - 1;
    step.parent = open_;
    step.kind = kind;
    step.words = std::move(words);
    step.parameter = parameter;
    return &step;
}

CursorPtr Plan::watch(CursorPtr cursor, Step* step) {
    if (!step) return cursor;
    return std::make_unique<Watched>(std::move(cursor), *step);
}

Plan::Filter Plan::counted(Filter filter, Step* step) {
    if (!step) return filter;
    return [filter = std::move(filter), step](std::int64_t rid) {
        const std::int64_t start = now_ns();
        const bool passes = filter(rid);
        step->took_ms += static_cast<double>(now_ns() - start) / 1e6;
        ++step->touched;
        step->kept += passes;
        return passes;
    };
}

Plan::Open::Open(Plan& plan, Step* step) : plan_(plan), step_(step), before_(plan.open_) {
    if (!step_) return;
    plan_.open_ = step_->id;
    started_ns_ = now_ns();
}

Plan::Open::~Open() {
    if (!step_) return;
    plan_.open_ = before_;
    step_->took_ms += static_cast<double>(now_ns() - started_ns_) / 1e6;
}

}  // namespace xinglin::record
