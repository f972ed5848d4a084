// SPDX-License-Identifier: Apache-2.0
// Passes everything on, until the plan says otherwise.
#include "testing/failing_sql.h"

#include <map>

namespace xinglin::testing {

void FailingPlan::before() {
    ++seen;
    if (until_failure == never) return;
    if (until_failure-- > 0) return;
    until_failure = never;  // one failure; what comes after (rollback and healing) goes through
    ++failures;
    throw sql::Broken(sql::Broken::Why::full, "database or disk is full (as the test wished)");
}

namespace {

class FailingStatement : public sql::Statement {
public:
    FailingStatement(sql::Statement& inside, FailingPlan& plan) : inside_(inside), plan_(plan) {}
    Statement& bind(int index, std::int64_t value) override { return inside_.bind(index, value), *this; }
    Statement& bind(int index, double value) override { return inside_.bind(index, value), *this; }
    Statement& bind(int index, std::string_view text) override { return inside_.bind(index, text), *this; }
    Statement& bind_blob(int index, std::string_view bytes) override { return inside_.bind_blob(index, bytes), *this; }
    Statement& bind_null(int index) override { return inside_.bind_null(index), *this; }
    Statement& bind_many(int index, std::span<const std::int64_t> values) override {
        return inside_.bind_many(index, values), *this;
    }
    Statement& bind_many(int index, std::span<const std::string> bytes) override {
        return inside_.bind_many(index, bytes), *this;
    }
    bool step() override {
        plan_.before();
        return inside_.step();
    }
    void run() override {
        plan_.before();
        inside_.run();
    }
    void reset() override { inside_.reset(); }
    std::int64_t integer(int column) const override { return inside_.integer(column); }
    double real(int column) const override { return inside_.real(column); }
    std::string_view text(int column) const override { return inside_.text(column); }
    bool is_null(int column) const override { return inside_.is_null(column); }

private:
    sql::Statement& inside_;
    FailingPlan& plan_;
};

class FailingConnection : public sql::Connection {
public:
    FailingConnection(std::unique_ptr<sql::Connection> inside, std::shared_ptr<FailingPlan> plan)
        : inside_(std::move(inside)), plan_(std::move(plan)) {}
    sql::Engine engine() const override { return inside_->engine(); }
    sql::Statement& prepare(std::string_view sql) override { return wrapped(inside_->prepare(sql)); }
    sql::Statement& walk(std::string_view sql) override { return wrapped(inside_->walk(sql)); }
    void settle() override {
        plan_->before();
        inside_->settle();
    }
    std::int64_t size_bytes() override { return inside_->size_bytes(); }
    void run(std::string_view sql) override {
        plan_->before();
        inside_->run(sql);
    }
    std::int64_t changes() const override { return inside_->changes(); }
    void begin() override {
        plan_->before();
        inside_->begin();
    }
    void begin_read() override {
        plan_->before();
        inside_->begin_read();
    }
    void commit() override {
        plan_->before();
        inside_->commit();
    }
    void rollback() override { inside_->rollback(); }
    bool in_transaction() const override { return inside_->in_transaction(); }
    void savepoint() override {
        plan_->before();
        inside_->savepoint();
    }
    void release_savepoint() override {
        plan_->before();
        inside_->release_savepoint();
    }
    void rollback_savepoint() override { inside_->rollback_savepoint(); }
    void checkpoint() override { inside_->checkpoint(); }
    std::int64_t log_bytes() const override { return inside_->log_bytes(); }
    void copy_to(const std::filesystem::path& file) override { inside_->copy_to(file); }
    std::vector<std::string> integrity() override { return inside_->integrity(); }

private:
    sql::Statement& wrapped(sql::Statement& statement) {
        auto& kept = statements_[&statement];
        if (!kept) kept = std::make_unique<FailingStatement>(statement, *plan_);
        return *kept;
    }

    std::unique_ptr<sql::Connection> inside_;
    std::shared_ptr<FailingPlan> plan_;
    std::map<sql::Statement*, std::unique_ptr<FailingStatement>> statements_;
};

}  // namespace

std::unique_ptr<sql::Connection> make_failing(std::unique_ptr<sql::Connection> inside, std::shared_ptr<FailingPlan> plan) {
    return std::make_unique<FailingConnection>(std::move(inside), std::move(plan));
}

}  // namespace xinglin::testing
