// SPDX-License-Identifier: Apache-2.0
// Views of a content folder, judged by their cases.
#include "view/shelf_check.h"

#include <map>

#include "view/library.h"
#include "view/suite.h"
#include "view/tables.h"

namespace xinglin::view {

void check_shelf(const content::Files& files, std::vector<content::Complaint>& complaints, std::size_t& checked) {
    std::map<std::string, Definition> views;
    for (const std::string& path : files.list("views", ".json")) {
        const std::string text = files.read(path).value_or("");
        ++checked;
        if (!path.starts_with("views/cases/")) {
            if (path.find('/', 6) != std::string::npos) {
                complaints.push_back(
                    {path, "path", "is neither a view (views/NAME.json) nor a case (views/cases/NAME/WORD.json)"});
                continue;
            }
            const auto definition = Definition::compile(text);
            if (!definition.ok()) {
                for (const Issue& issue : definition.outcome().issues) complaints.push_back({path, issue.where, issue.what});
                continue;
            }
            if (const auto fits = Tables::check(*definition); !fits.ok()) {
                complaints.push_back({path, fits.outcome().issues[0].where, fits.outcome().issues[0].what});
                continue;
            }
            if ("views/" + definition->name() + ".json" != path)
                complaints.push_back({path, "name", "must be the file's name, " + definition->name() + " is not"});
            views.emplace(definition->name(), *definition);
        }
    }
    std::map<std::string, int> cases;
    for (const std::string& path : files.list("views/cases", ".json")) {
        const std::string rest = path.substr(12);
        const std::string name = rest.substr(0, rest.find('/'));
        const auto view = views.find(name);
        if (view == views.end()) {
            complaints.push_back({path, "path", "there is no view " + name});
            continue;
        }
        ++cases[name];
        const std::string wrong = judge_case(view->second, files.read(path).value_or(""));
        if (!wrong.empty()) complaints.push_back({path, "expect", wrong});
    }
    for (const auto& [name, view] : views) {
        if (files.origin("views/" + name + ".json") == "built in") continue;  // its cases stay with the source
        if (!cases.contains(name))
            complaints.push_back({"views/" + name + ".json", "cases", "has none, add views/cases/" + name + "/WORD.json"});
    }
}

}  // namespace xinglin::view
