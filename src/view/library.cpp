// SPDX-License-Identifier: Apache-2.0
// Views as files.
#include "view/library.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "view/definition.h"

namespace xinglin::view {

namespace {

std::string read_whole(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

/// On the disk, whole or not at all.
bool write_whole(const std::filesystem::path& file, std::string_view text) {
    const std::string beside = file.string() + ".new", place = file.parent_path();  // what needs memory comes first
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return false;
    bool good = true;
    for (std::size_t at = 0; good && at < text.size();) {
        const auto wrote = ::write(fd, text.data() + at, text.size() - at);
        good = wrote > 0;
        at += good ? static_cast<std::size_t>(wrote) : 0;
    }
    good = ::fsync(fd) == 0 && good;
    ::close(fd);
    if (!good || ::rename(beside.c_str(), file.c_str()) != 0) return false;
    const int folder = ::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return true;
}

auto at_name(std::vector<Shelved>& list, std::string_view name) {
    return std::find_if(list.begin(), list.end(),
                        [&name](const Shelved& one) { return filed_name(one.definition.name()) == filed_name(name); });
}

}  // namespace

std::string filed_name(std::string_view name) {
    std::string lower(name);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

Library::Library(const content::Files& content, std::filesystem::path saved, Environment environment)
    : folder_(std::move(saved)), environment_(std::move(environment)) {
    const auto add = [this](std::vector<Shelved>& to, std::string_view text, const std::string& from, bool is_saved) {
        auto definition = Definition::compile(text);
        if (!definition.ok()) return problems_.push_back(from + ": " + definition.outcome().line());
        if (definition->name().empty()) return problems_.push_back(from + ": name: is missing, a stored view needs one");
        if (at_name(to, definition->name()) != to.end())
            return problems_.push_back(fmt::format("{}: name: there is a view {} already", from, definition->name()));
        to.push_back({std::move(*definition), is_saved});
    };
    for (const std::string& path : content.list("views", ".json")) {
        if (path.find('/', 6) == std::string::npos) add(built_in_, content.read(path).value_or(""), path, false);
    }
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
        if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) add(saved_, read_whole(file), file.string(), true);
}

std::vector<Shelved> Library::list() const {
    const std::lock_guard lock(lock_);
    std::vector<Shelved> all = saved_;
    for (const Shelved& one : built_in_) {
        const std::string name = filed_name(one.definition.name());
        const auto is_same = [&name](const Shelved& other) { return filed_name(other.definition.name()) == name; };
        if (std::none_of(saved_.begin(), saved_.end(), is_same)) all.push_back(one);
    }
    std::sort(all.begin(), all.end(), [](const Shelved& a, const Shelved& b) {
        return filed_name(a.definition.name()) < filed_name(b.definition.name());
    });
    return all;
}

std::optional<Shelved> Library::find(std::string_view name) const {
    for (Shelved& one : list()) {
        if (filed_name(one.definition.name()) == filed_name(name)) return std::move(one);
    }
    return std::nullopt;
}

std::filesystem::path Library::file_of(std::string_view name) const { return folder_ / (filed_name(name) + ".json"); }

Result<bool> Library::save(std::string_view name, const Definition& definition) {
    if (!is_sql_name(name) || name.size() > 50)
        return refuse(IssueCode::value, "name", "must begin with a letter and hold letters, digits and _ only, 50 at most");
    if (!definition.name().empty() && filed_name(definition.name()) != filed_name(name))
        return refuse(IssueCode::value, "name",
                      fmt::format("is {} in the definition, but {} in the address", definition.name(), name));
    json::Arena arena;
    XINGLIN_TRY(json::Value json, json::parse(definition.text(), arena));
    if (definition.name().empty()) json = arena.with(json, "name", arena.string(name));
    XINGLIN_TRY(Definition named, Definition::compile(json));
    const std::lock_guard lock(lock_);
    saved_.reserve(saved_.size() + 1);  // what can fail, fails before the file is there
    const auto known = at_name(saved_, name);
    const bool fresh = known == saved_.end() && at_name(built_in_, name) == built_in_.end();
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (!write_whole(file_of(name), json::write_pretty(json)))
        return refuse(IssueCode::transient, file_of(name).string(), "cannot be written, see to the disk");
    if (known != saved_.end()) known->definition = std::move(named);
    else saved_.push_back({std::move(named), true});
    return fresh;
}

Result<Done> Library::erase(std::string_view name) {
    const std::lock_guard lock(lock_);
    const auto known = at_name(saved_, name);
    if (known == saved_.end()) {
        if (at_name(built_in_, name) != built_in_.end())
            return refuse(IssueCode::conflict, "name",
                          "this view is built in and stays; save one of the same name to replace it");
        return refuse(IssueCode::not_found, "name", "there is no view of this name");
    }
    std::error_code error;
    std::filesystem::remove(file_of(name), error);
    if (error) return refuse(IssueCode::transient, file_of(name).string(), "cannot be removed, see to the disk");
    saved_.erase(known);
    return Done{};
}

std::vector<std::string> Library::problems() const {
    const std::lock_guard lock(lock_);
    return problems_;
}

}  // namespace xinglin::view
