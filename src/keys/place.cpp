// SPDX-License-Identifier: Apache-2.0
// Where a key-encrypting key comes from. It is outside the data folder: who takes the folder does not have it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "keys/keys.h"
#include "keys/token.h"

namespace xinglin::keys {

namespace {

constexpr std::string_view wanted = "expected 64 hexadecimal digits (openssl rand -hex 32)";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<Secret> from_digits(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    if (text.size() != 2 * key_bytes) return std::nullopt;
    std::string key;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        key += static_cast<char>(high << 4 | low);
    }
    return Secret(key);
}

Result<Secret> from_file(const std::string& place, const std::string& path) {
    XINGLIN_TRY(const std::string text, private_text(place, path));
    if (auto key = from_digits(text)) return std::move(*key);
    if (text.size() == key_bytes) return Secret(text);
    return refuse(IssueCode::value, place, "holds no key: " + std::string(wanted) + ", or 32 bytes");
}

}  // namespace

Result<std::string> private_text(const std::string& place, const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return refuse(IssueCode::not_found, place,
                      std::string("cannot be read (") + std::strerror(errno) + "); name a file that can");
    struct stat about = {};
    std::string text(4'096, '\0');
    const bool known = ::fstat(file, &about) == 0;
    const ssize_t got = ::read(file, text.data(), text.size());
    ::close(file);
    if (!known || got < 0)
        return refuse(IssueCode::exception, place, std::string("cannot be read (") + std::strerror(errno) + ")");
    if ((about.st_mode & S_IFMT) == S_IFREG && (about.st_mode & (S_IROTH | S_IWOTH)) != 0)
        return refuse(IssueCode::forbidden, place, "may be read by everybody; chmod 600 it");
    text.resize(static_cast<std::size_t>(got));
    return text;
}

std::string shown(std::string_view place) {
    if (!place.starts_with(token_scheme)) return std::string(place);
    const auto token = token_place(place);
    return token.ok() ? token->name : std::string(token_scheme);
}

Result<Secret> fetch(std::string_view place) {
    const std::string whole(place);
    if (place.starts_with("file:")) return from_file(whole, whole.substr(5));
    if (place.starts_with("env:")) {
        const char* text = std::getenv(whole.substr(4).c_str());
        if (!text) return refuse(IssueCode::not_found, whole, "is not set in the environment");
        if (auto key = from_digits(text)) return std::move(*key);
        return refuse(IssueCode::value, whole, "holds no key: " + std::string(wanted));
    }
    return refuse(IssueCode::value, "--data-key", std::string("expected ") + places_wanted);
}

}  // namespace xinglin::keys
