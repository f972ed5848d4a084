// SPDX-License-Identifier: Apache-2.0
// A hospital region at the MLLP port: HL7 v2 messages at a steady rate over many connections, acknowledgements timed from the
// moment each message was due.
//
//   mllp_load PORT [RATE 1000] [SECONDS 30] [CONNECTIONS 20] [SENDER PREFIX "H"]
//
// Sources whose `senders` are HIS^H1 … HIS^H<connections> must be there (bench/intake makes them). Half of the messages are
// admissions and changes (ADT), a third laboratory results with six values (ORU), the rest orders (OML). Prints one line of JSON.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Line {
    int socket = -1;
    std::string out;
    std::size_t sent = 0;
    std::string in;
    std::deque<Clock::time_point> due;  // of messages not acknowledged yet, in order
};

std::string now_text(int seconds_back) {
    const std::time_t at = std::time(nullptr) + 8 * 3600 - seconds_back;
    std::tm parts{};
    gmtime_r(&at, &parts);
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                       parts.tm_min, parts.tm_sec);
}

std::string message(std::size_t number, std::size_t facility, std::string_view run) {
    const std::size_t person = number * 7919 % 20'000, visit = number / 3;
    const char* kind = number % 6 < 3   ? (number % 2 == 0 ? "ADT^A01^ADT_A01" : "ADT^A08^ADT_A01")
                       : number % 6 < 5 ? "ORU^R01^ORU_R01"
                                        : "OML^O21^OML_O21";
    const std::string at = now_text(0);
    std::string all = fmt::format("MSH|^~\\&|HIS|H{}|XINGLIN|REGION|{}||{}|{}{}|P|2.5.1|||||CHN|UNICODE UTF-8\r", facility, at,
                                  kind, run, number);
    if (number % 6 < 3) all += fmt::format("EVN||{}\r", at);
    all += fmt::format(
        "PID|1||MRN{}^^^H{}^MR||测试{}^某||19{:02}0{}1{}|{}|||河北省秦皇岛市山海关区第{}街道^^山海关区^河北^066200||1380000{:04}"
        "\r",
        person, facility, person, person % 90 + 10, person % 9 + 1, person % 9, person % 2 == 0 ? "M" : "F", person % 7,
        person % 10'000);
    all += fmt::format("PV1|1|{}|W{}^{}^{}||||D{}^医生^某|||||||||||O|V{}|||||||||||||||||||||||||{}\r",
                       number % 5 == 0 ? "I" : "O", person % 20, person % 30, person % 4, person % 200, visit, at);
    if (number % 6 < 3) {
        all += fmt::format("DG1|1||J06.900^急性上呼吸道感染^ICD10||{}|A\r", at);
        return all;
    }
    all += fmt::format("ORC|{}|P{}|F{}||CM\rOBR|1|P{}|F{}|CBC^血常规^L|||{}\r", number % 6 < 5 ? "RE" : "NW", visit, visit, visit,
                       visit, at);
    if (number % 6 == 5) return all;
    constexpr const char* items[] = {"WBC^白细胞", "RBC^红细胞", "HGB^血红蛋白", "PLT^血小板", "NEU^中性粒细胞", "LYM^淋巴细胞"};
    for (int i = 0; i < 6; ++i)
        all += fmt::format("OBX|{}|NM|{}^L||{}.{}|10*9/L|3.5-9.5|N|||F|||{}\r", i + 1, items[i],
                           (number + static_cast<std::size_t>(i)) % 12 + 1, i, at);
    return all;
}

int connect_to(std::uint16_t port) {
    const int made = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("connect");
        std::exit(1);
    }
    const int on = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(made, F_SETFL, O_NONBLOCK);
    return made;
}

struct Tally {
    std::vector<double> ms;
    std::size_t accepted = 0, refused = 0;
};

void take_answers(Line& line, Tally& tally) {
    for (;;) {
        const std::size_t end = line.in.find("\x1c\r");
        if (end == std::string::npos || line.due.empty()) return;
        const std::string_view answer = std::string_view(line.in).substr(0, end);
        const bool good = answer.find("\rMSA|AA") != std::string_view::npos || answer.find("\rMSA|CA") != std::string_view::npos;
        ++(good ? tally.accepted : tally.refused);
        tally.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - line.due.front()).count());
        line.due.pop_front();
        line.in.erase(0, end + 2);
    }
}

void serve(std::vector<Line>& lines, Tally& tally, int wait_ms) {
    std::vector<pollfd> polled;
    for (const Line& line : lines)
        polled.push_back({line.socket, static_cast<short>(POLLIN | (line.sent < line.out.size() ? POLLOUT : 0)), 0});
    ::poll(polled.data(), polled.size(), wait_ms);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        Line& line = lines[i];
        if ((polled[i].revents & POLLOUT) != 0 || line.sent < line.out.size()) {
            const ssize_t count = ::send(line.socket, line.out.data() + line.sent, line.out.size() - line.sent, MSG_NOSIGNAL);
            if (count > 0) line.sent += static_cast<std::size_t>(count);
            if (line.sent == line.out.size()) line.out.clear(), line.sent = 0;
        }
        if ((polled[i].revents & POLLIN) == 0) continue;
        char bytes[65'536];
        const ssize_t count = ::recv(line.socket, bytes, sizeof bytes, 0);
        if (count == 0) {
            std::fprintf(stderr, "the server closed a connection\n");
            std::exit(1);
        }
        if (count > 0) line.in.append(bytes, static_cast<std::size_t>(count));
        take_answers(line, tally);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return std::fprintf(stderr, "mllp_load PORT [RATE] [SECONDS] [CONNECTIONS]\n"), 2;
    const auto argument = [&](int index, int absent) { return argc > index ? std::atoi(argv[index]) : absent; };
    const int port = argument(1, 2575), rate = argument(2, 1'000), seconds = argument(3, 30), connections = argument(4, 20);
    const std::string run = fmt::format("{:x}-", std::time(nullptr));
    std::vector<Line> lines(static_cast<std::size_t>(connections));
    for (Line& line : lines) line.socket = connect_to(static_cast<std::uint16_t>(port));
    Tally tally;
    const auto begin = Clock::now();
    const std::size_t all = static_cast<std::size_t>(rate) * static_cast<std::size_t>(seconds);
    std::size_t number = 0;
    while (tally.ms.size() < all) {
        const auto now = Clock::now();
        const auto due = static_cast<std::size_t>(std::chrono::duration<double>(now - begin).count() * rate);
        for (; number < std::min(due, all); ++number) {
            Line& line = lines[number % lines.size()];
            line.out += "\x0b" + message(number, number % lines.size() + 1, run) + "\x1c\r";
            line.due.push_back(begin +
                               std::chrono::microseconds(static_cast<std::int64_t>(1e6 * static_cast<double>(number) / rate)));
        }
        serve(lines, tally, 1);
        if (now - begin > std::chrono::seconds(3 * seconds + 60)) break;
    }
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    std::sort(tally.ms.begin(), tally.ms.end());
    const auto at = [&](double share) {
        return tally.ms.empty() ? 0 : tally.ms[static_cast<std::size_t>(share * static_cast<double>(tally.ms.size() - 1))];
    };
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    fmt::print(
        "{{\"sent\":{},\"accepted\":{},\"refused\":{},\"seconds\":{:.1f},\"per_second\":{:.0f},\"p50_ms\":{:.1f},\"p90_ms\":{:."
        "1f},"
        "\"p99_ms\":{:.1f},\"max_ms\":{:.1f},\"driver_cpu_s\":{:.1f}}}\n",
        number, tally.accepted, tally.refused, took, static_cast<double>(tally.ms.size()) / took, at(0.5), at(0.9), at(0.99),
        at(1),
        static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
            static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return tally.ms.size() == all ? 0 : 1;
}
