// SPDX-License-Identifier: Apache-2.0
// A folder that a receiver, an SFTP server or a mover reads: written whole under another name, then renamed.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "outbound/peer.h"
#include "outbound/queue.h"
#include "outbound/receipt.h"

namespace xinglin::outbound {

namespace {

namespace fs = std::filesystem;
using Kind = Reply::Kind;
constexpr std::size_t most_receipt = 1u << 20;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    int operator*() const { return number_; }

private:
    int number_;
};

std::string error_words() {
    return errno == ENOSPC || errno == EDQUOT ? "the disk is full; make room, it is written then"
                                              : std::string(std::strerror(errno));
}

/// Written, on disk, under its name. "" or why not.
std::string write_whole(const fs::path& path, std::string_view bytes) {
    const fs::path half = path.string() + ".tmp";
    {
        const Descriptor file(::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
        if (*file < 0) return error_words();
        std::string_view rest = bytes;
        while (!rest.empty()) {
            const ssize_t written = ::write(*file, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) {
                const std::string why = error_words();
                ::unlink(half.c_str());
                return why;
            }
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        if (::fsync(*file) != 0) {
            const std::string why = error_words();
            ::unlink(half.c_str());
            return why;
        }
    }
    if (::rename(half.c_str(), path.c_str()) != 0) {
        const std::string why = error_words();
        ::unlink(half.c_str());
        return why;
    }
    const Descriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (*folder < 0 || (::fsync(*folder) != 0 && errno != EINVAL && errno != ENOTSUP)) return error_words();  // not safe yet
    return "";
}

class FolderPeer : public Peer {
public:
    FolderPeer(const Channel& channel, const fs::path& data)
        : channel_(channel),
          folder_(channel.folder.starts_with('/') ? fs::path(channel.folder) : data / "outbox" / channel.folder) {}

    Result<Done> connect() override {
        std::error_code error;
        fs::create_directories(folder_, error);
        if (::access(folder_.c_str(), W_OK | X_OK) == 0) return Done{};
        return refuse(IssueCode::transient, "target.folder",
                      folder_.filename().string() + " cannot be written: " + std::strerror(errno));
    }

    Reply send(const Delivery& delivery, const Payload& payload) override {
        if (const auto there = connect(); !there.ok()) return {Kind::down, "target.folder", there.outcome().issues.front().what};
        const std::string name = file_name(channel_, delivery);
        const std::string why = write_whole(folder_ / name, payload.bytes);
        if (!why.empty()) return {Kind::down, "target.folder", why};
        Reply reply{.kind = channel_.receipt == "none" ? Kind::accepted : Kind::lying, .file = name};
        if (reply.kind == Kind::accepted) reply.receipt = "written as " + name;
        return reply;
    }

    std::optional<Reply> look(const Delivery& delivery) override {
        std::error_code error;
        const fs::path file = folder_ / delivery.file;
        if (channel_.receipt == "taken") {
            if (fs::exists(file, error) || error) return std::nullopt;
            return Reply{.receipt = delivery.file + " was taken", .file = delivery.file};
        }
        for (const fs::path& receipt : {fs::path(file.string() + ".ack"), folder_ / (file.stem().string() + ".ack")}) {
            const fs::file_status status = fs::symlink_status(receipt, error);
            if (!fs::is_regular_file(status)) continue;
            std::ifstream in(receipt, std::ios::binary);
            std::string text(most_receipt, '\0');
            in.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
            if (text.find_first_not_of(" \r\n\t") == std::string::npos) continue;  // being written
            Reply reply = file_receipt(tidy(text, most_receipt), receipt.filename().string());
            reply.file = delivery.file;
            return reply;
        }
        return std::nullopt;
    }

private:
    const Channel channel_;
    const fs::path folder_;
};

}  // namespace

std::unique_ptr<Peer> folder_peer(const Channel& channel, const fs::path& data) {
    return std::make_unique<FolderPeer>(channel, data);
}

}  // namespace xinglin::outbound
