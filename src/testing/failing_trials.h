// SPDX-License-Identifier: Apache-2.0
// For tests only: one scene played again and again, each time with another request of the machine refused.
//
// XINGLIN_FAILURES says how many n are tried of each scene (default 40, "all": every one).
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "sql/sql.h"
#include "testing/failing_machine.h"
#include "testing/testing.h"

namespace xinglin::testing {

/// Within a scene: begins to fail, and heals.
class Trial {
public:
    Trial(FailingMachine::Part part, std::int64_t n, bool lasting) : part_(part), n_(n), lasting_(lasting) {}
    ~Trial() { heal(); }
    void begin() { FailingMachine::fail_after(part_, n_, lasting_); }
    void heal() {
        FailingMachine::heal();
        requests_ = FailingMachine::requests();
        failures_ = FailingMachine::failures();
    }
    /// Runs in this thread with what fails. False when it was refused, in one of the ways it may be refused.
    template <typename Body>
    bool attempt(Body&& body) {
        try {
            FailingMachine::within(body);
            return true;
        } catch (const sql::Broken&) {
        } catch (const std::bad_alloc&) {}
        return false;
    }
    std::int64_t requests() const { return requests_; }
    std::int64_t failures() const { return failures_; }

private:
    const FailingMachine::Part part_;
    const std::int64_t n_;
    const bool lasting_;
    std::int64_t requests_ = 0, failures_ = 0;
};

/// Plays the scene first with a machine that works, then with its n-th request refused.
inline void try_every_failure(const std::function<void(Trial&)>& scene, double few = 40) {
    FailingMachine::spared = true;
    const char* asked = std::getenv("XINGLIN_FAILURES");
    const double wanted = asked ? (std::string_view(asked) == "all" ? 1e9 : std::atof(asked)) : few;
    std::mt19937_64 random(seed());
    using Part = FailingMachine::Part;
    for (const Part part : {Part::memory, Part::disk, Part::full_disk}) {
        Trial whole(part, FailingMachine::never, false);
        scene(whole);
        const std::int64_t all = whole.requests();
        int taken = 0;
        for (std::int64_t n = 0; n < all && !::testing::Test::HasFailure(); ++n) {
            if (n > 0 && std::uniform_real_distribution<>(0, static_cast<double>(all))(random) > wanted) continue;
            Trial trial(part, n, random() % 3 == 0);
            SCOPED_TRACE(fmt::format("{} {} of {}", part == Part::memory ? "allocation" : "call of the disk", n, all));
            scene(trial);
            ++taken;
        }
        std::printf("%s: %lld chances to fail, %d taken\n",
                    part == Part::memory ? "memory"
                    : part == Part::disk ? "disk"
                                         : "space",
                    static_cast<long long>(all), taken);
    }
    FailingMachine::spared = false;
}

}  // namespace xinglin::testing
