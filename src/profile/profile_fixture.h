// SPDX-License-Identifier: Apache-2.0
// For tests: profiles and resources written as JSON with ' for ".
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "profile/profile.h"

namespace xinglin::profile {

/// ' stands for ", and `` for '.
inline std::string quoted(std::string text) {
    std::replace(text.begin(), text.end(), '\'', '"');
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '`') out += '\'';
        else out += text[i];
    }
    return out;
}

/// A differential: `elements` are ElementDefinitions, separated by commas.
inline std::string profile_text(const std::string& name, const std::string& type, const std::string& elements,
                                const std::string& base = {}) {
    const std::string base_url = base.empty() ? "http://hl7.org/fhir/StructureDefinition/" + type : base;
    return "{'resourceType':'StructureDefinition','url':'urn:test:" + name +
           "','name':'T','status':'draft','kind':'resource','abstract':false,'type':'" + type + "','baseDefinition':'" +
           base_url + "','derivation':'constraint','differential':{'element':[" + elements + "]}}";
}

struct Desk {
    json::Arena arena;
    Book book;

    json::Value value(const std::string& text) {
        auto parsed = json::parse(quoted(text), arena);
        EXPECT_TRUE(parsed.ok()) << text << (parsed.ok() ? "" : parsed.outcome().line());
        return parsed.ok() ? *parsed : json::Value();
    }
    void add(const std::string& text) { EXPECT_TRUE(book.add(value(text), "test").ok()); }
    void add(const std::string& name, const std::string& type, const std::string& elements, const std::string& base = {}) {
        add(profile_text(name, type, elements, base));
    }
    /// "key where" of what is wrong with the resource by the profile, apart from dom-6.
    std::set<std::string> issues(const std::string& profile, const std::string& resource, Ask ask = {}) {
        if (!profile.empty()) ask.profiles = {"urn:test:" + profile};
        std::set<std::string> found;
        for (const Issue& issue : book.check(value(resource), ask).issues) {
            if (issue.key != "invariant:dom-6") found.insert(issue.key + " " + issue.where);
            EXPECT_FALSE(issue.what_zh.empty()) << issue.what;
        }
        return found;
    }
    /// "key where" of why a profile is refused; "" when it is not.
    std::string fault(const std::string& text) {
        const auto tested = book.test(value(text));
        if (tested.ok()) return "";
        const Issue& first = tested.outcome().issues.front();
        return first.key + " " + first.where;
    }
};

using Issues = std::set<std::string>;

}  // namespace xinglin::profile
