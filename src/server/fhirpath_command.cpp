// SPDX-License-Identifier: Apache-2.0
// `xinglin fhirpath` with the terminology and the profiles that come with the program; read when an expression asks for them.
#include <iostream>
#include <optional>

#include "fhirpath/command.h"
#include "profile/profile.h"
#include "server/commands.h"
#include "terminology/terminology.h"

namespace xinglin::server {

namespace {

class Around {
public:
    fhirpath::Environment environment() {
        fhirpath::Environment around;
        around.member_of = [this](std::string_view set, std::string_view system, std::string_view code) {
            return terms_.has(set, system, code);
        };
        around.conforms_to = [this](std::string_view url, const fhirpath::Item& item) -> std::optional<bool> {
            if (!book().knows(url)) return std::nullopt;
            return book().conforms(url, item, ask());
        };
        around.in_slice = [this](std::string_view url, std::string_view slice, const fhirpath::Item& item) {
            return book().in_slice(url, slice, item, ask());
        };
        return around;
    }

private:
    content::Files files_;
    calendar::SystemClock clock_;
    terminology::Terminology terms_{files_, clock_};
    std::optional<profile::Book> book_;

    const profile::Book& book() {
        if (book_) return *book_;
        auto read = profile::built_in(files_);
        if (read.ok()) book_.emplace(std::move(*read));
        else book_.emplace();  // what is built in is tested; should it be broken, no profile is known
        return *book_;
    }
    profile::Ask ask() {
        profile::Ask ask;
        ask.member_of = [this](std::string_view set, std::string_view system, std::string_view code) {
            return terms_.has(set, system, code);
        };
        return ask;
    }
};

}  // namespace

int run_fhirpath(std::span<const std::string> arguments) {
    Around around;
    return fhirpath::fhirpath_command(arguments, std::cout, std::cerr, around.environment());
}

}  // namespace xinglin::server
