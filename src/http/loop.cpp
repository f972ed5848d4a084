// SPDX-License-Identifier: Apache-2.0
// An I/O thread at work: readiness from Asio, answers from the letter box, clocks once a quarter of a second.
#include "http/loop.h"

#include <boost/asio/post.hpp>
#include <csignal>

#include "http/connection.h"

namespace xinglin::http {
namespace {
thread_local const Loop* current = nullptr;
constexpr std::chrono::milliseconds tick_interval{250};
constexpr std::size_t scratch_bytes = 64u << 10;
}  // namespace

Loop::Loop(const Surroundings& lean_on) : surroundings(lean_on), scratch(scratch_bytes) {}

Loop::~Loop() = default;

void Loop::run() {
    sigset_t broken_pipe;  // OpenSSL writes to closed sockets; the error code is enough for us
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    current = this;
    for (;;) {
        try {
            io.run();
            break;
        } catch (const std::exception& error) {
            log(fmt::format("http: an I/O thread goes on after: {}", error.what()));
        }
    }
    close_everything();
    current = nullptr;
}

void Loop::close_everything() {
    std::vector<Letter> letters;
    {
        const std::lock_guard lock(letters_mutex_);
        letters_closed_ = true;
        letters.swap(letters_);
    }
    std::vector<Place> places;
    places.swap(places_);  // first out of reach: a dying connection's tickets still look for it
    load -= open_;
    open_ = 0;
}

Connection* Loop::find(ConnectionName name) {
    if (name.slot >= places_.size() || places_[name.slot].generation != name.generation) return nullptr;
    return places_[name.slot].connection.get();
}

void Loop::close(ConnectionName name) {
    if (find(name) == nullptr) return;
    Place& place = places_[name.slot];
    const std::unique_ptr<Connection> last = std::move(place.connection);
    ++place.generation;
    free_places_.push_back(name.slot);
    --open_;
    --load;
    if (winding_down_ && open_ == 0) io.stop();
}

ConnectionName Loop::free_place() {
    if (free_places_.empty()) {
        places_.emplace_back();
        free_places_.push_back(static_cast<std::uint32_t>(places_.size() - 1));
    }
    const std::uint32_t slot = free_places_.back();
    free_places_.pop_back();
    return {slot, places_[slot].generation};
}

void Loop::take(Socket socket, std::string peer, bool turn_away) {
    boost::asio::post(io, [this, socket = std::move(socket), peer = std::move(peer), turn_away]() mutable {
        move_in(std::move(socket), peer, turn_away);
    });
}

void Loop::move_in(Socket socket, const std::string& peer, bool turn_away) {
    if (winding_down_) {
        --load;
        return;
    }
    const ConnectionName name = free_place();
    try {
        places_[name.slot].connection = std::make_unique<Connection>(*this, name, std::move(socket), peer, turn_away);
    } catch (const std::exception& error) {
        free_places_.push_back(name.slot);
        --load;
        log(fmt::format("http: a new connection is dropped: {}", error.what()));
        return;
    }
    ++open_;
    if (!ticking_) tick();
    if (Connection* connection = find(name)) connection->pump();
}

void Loop::wait(Socket& socket, ConnectionName name, bool to_write) {
    const auto what = to_write ? Socket::wait_write : Socket::wait_read;
    socket.async_wait(what, [this, name, to_write](const boost::system::error_code&) {
        if (Connection* connection = find(name)) connection->ready(to_write);
    });
}

void Loop::go_on_later(ConnectionName name) {
    boost::asio::post(io, [this, name] {
        if (Connection* connection = find(name)) connection->pump();
    });
}

void Loop::deliver(ConnectionName connection, std::uint64_t request, Response response) {
    post({connection, request, std::move(response)});
}

void Loop::deliver(ConnectionName connection, std::uint64_t request, Piece piece) {
    post({connection, request, std::move(piece)});
}

void Loop::post(Letter letter) {
    if (current == this) return hand_over(std::move(letter));
    const std::lock_guard lock(letters_mutex_);
    if (letters_closed_) return;
    letters_.push_back(std::move(letter));
    if (letters_.size() == 1) boost::asio::post(io, [this] { open_letters(); });
}

void Loop::open_letters() {
    std::vector<Letter> letters;
    {
        const std::lock_guard lock(letters_mutex_);
        letters.swap(letters_);
    }
    for (Letter& letter : letters) hand_over(std::move(letter));
}

void Loop::hand_over(Letter letter) {
    Connection* connection = find(letter.connection);
    if (connection == nullptr) return;
    if (Response* response = std::get_if<Response>(&letter.content)) {
        connection->answer(letter.request, std::move(*response));
    } else {
        connection->piece(letter.request, std::move(std::get<Piece>(letter.content)));
    }
}

std::vector<ConnectionName> Loop::everyone() const {
    std::vector<ConnectionName> names;
    names.reserve(open_);
    for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
        if (places_[slot].connection) names.push_back({slot, places_[slot].generation});
    }
    return names;
}

void Loop::tick() {
    ticking_ = open_ > 0;
    if (!ticking_) return;  // an idle server sleeps
    const auto now = Clock::now();
    for (const ConnectionName name : everyone()) {
        if (Connection* connection = find(name)) connection->check_time(now);
    }
    timer_.expires_after(tick_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) tick();
    });
}

void Loop::wind_down() {
    boost::asio::post(io, [this] {
        winding_down_ = true;
        for (const ConnectionName name : everyone()) {
            if (Connection* connection = find(name)) connection->pump();  // what has arrived is taken
            if (Connection* connection = find(name)) connection->wind_down();
        }
        if (open_ == 0) io.stop();
    });
}

std::string_view Loop::date() { return date_.at(std::time(nullptr)); }

void Loop::log(std::string_view line) const {
    if (surroundings.options.log) surroundings.options.log(line);
}

}  // namespace xinglin::http
