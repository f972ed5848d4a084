// SPDX-License-Identifier: Apache-2.0
// Lines of record_fresh: the fresh rows of one commit, packed. A section is its kind, how many rows, and the rows, each
// number as its distance from the same number of the row before; the line ends with a check sum of eight bytes.
#include <cstring>

#include "record/fresh.h"

namespace xinglin::record {

namespace {
enum Kind : char { of_dates = 1, of_numbers = 2, of_names = 3 };
constexpr std::size_t sum_bytes = 8;

std::uint64_t sum_of(std::int64_t number, std::string_view bytes) {
    std::uint64_t sum = (static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15ull) ^ bytes.size();
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const std::size_t taken = std::min(sizeof word, bytes.size());
        std::memcpy(&word, bytes.data(), taken);
        bytes.remove_prefix(taken);
        sum = (sum ^ word) * 0xff51afd7ed558ccdull;
        sum ^= sum >> 32;
    }
    return sum;
}

void put(std::string& bytes, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(number | 0x80);
    bytes += static_cast<char>(number);
}
std::uint64_t zigzag(std::int64_t number) {
    return static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t number) { return static_cast<std::int64_t>(number >> 1 ^ (~(number & 1) + 1)); }
std::int64_t minus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
void put(std::string& bytes, double number) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); }

class Bytes {
public:
    explicit Bytes(std::string_view rest) : rest_(rest) {}
    bool at_end() const { return rest_.empty(); }
    bool good() const { return good_; }
    std::size_t left() const { return rest_.size(); }
    std::uint64_t number() {
        std::uint64_t number = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const std::string_view byte = take(1);
            if (byte.empty()) return 0;
            number |= static_cast<std::uint64_t>(byte[0] & 0x7f) << shift;
            if (!(byte[0] & 0x80)) return number;
        }
        good_ = false;
        return 0;
    }
    double real() {
        double number = 0;
        const std::string_view bytes = take(sizeof number);
        if (!bytes.empty()) std::memcpy(&number, bytes.data(), sizeof number);
        return number;
    }
    std::string_view take(std::size_t size) {
        if (size > rest_.size()) {
            good_ = false;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

template <typename Row, typename Read>
void read_run(Bytes& bytes, Layer<Row>& into, Read&& read) {
    const std::uint64_t count = bytes.number();
    if (count > bytes.left()) return void(bytes.take(SIZE_MAX));
    typename Layer<Row>::Run run;
    run.reserve(count);
    for (std::uint64_t i = 0; i < count && bytes.good(); ++i) run.push_back(read());
    if (bytes.good()) into.add(std::move(run));
}
}  // namespace

void FreshLine::add(const Layer<DateRow>::Run& run) {
    if (run.empty()) return;
    bytes_ += of_dates;
    put(bytes_, run.size());
    DateRow last{};
    for (const auto& [row, removed] : run) {
        put(bytes_, zigzag(minus(row.key, last.key)) << 1 | (removed ? 1 : 0));
        put(bytes_, zigzag(minus(row.low, last.low)));
        put(bytes_, zigzag(row.span));
        put(bytes_, zigzag(minus(row.rid, last.rid)));
        last = row;
    }
}

void FreshLine::add(const Layer<NumberRow>::Run& run) {
    if (run.empty()) return;
    bytes_ += of_numbers;
    put(bytes_, run.size());
    NumberRow last{};
    for (const auto& [row, removed] : run) {
        put(bytes_, zigzag(minus(row.pid, last.pid)) << 1 | (removed ? 1 : 0));
        put(bytes_, row.low);
        put(bytes_, row.high);
        put(bytes_, zigzag(minus(row.unit, last.unit)));
        put(bytes_, zigzag(minus(row.rid, last.rid)));
        last = row;
    }
}

void FreshLine::add(const Layer<NameRow>::Run& run) {
    if (run.empty()) return;
    bytes_ += of_names;
    put(bytes_, run.size());
    std::int64_t last = 0;
    for (const auto& [row, removed] : run) {
        put(bytes_, row.key().size());
        bytes_ += row.key();
        put(bytes_, zigzag(row.tid));
        put(bytes_, zigzag(minus(row.rid, last)));
        last = row.rid;
    }
}

std::string FreshLine::sealed(std::int64_t number) const {
    std::string line = bytes_;
    const std::uint64_t sum = sum_of(number, bytes_);
    line.append(reinterpret_cast<const char*>(&sum), sizeof sum);
    return line;
}

bool FreshLine::read(std::int64_t number, std::string_view line, Fresh& into) {
    if (line.size() < sum_bytes) return false;
    std::uint64_t sum = 0;
    std::memcpy(&sum, line.data() + line.size() - sum_bytes, sum_bytes);
    line.remove_suffix(sum_bytes);
    if (sum != sum_of(number, line)) return false;
    Bytes bytes(line);
    while (bytes.good() && !bytes.at_end()) {
        switch (bytes.take(1)[0]) {
            case of_dates: {
                DateRow last{};
                read_run(bytes, into.dates, [&]() -> FreshRow<DateRow> {
                    const std::uint64_t key = bytes.number();
                    last.key = plus(last.key, unzigzag(key >> 1));
                    last.low = plus(last.low, unzigzag(bytes.number()));
                    last.span = unzigzag(bytes.number());
                    last.rid = plus(last.rid, unzigzag(bytes.number()));
                    return {last, (key & 1) != 0};
                });
                break;
            }
            case of_numbers: {
                NumberRow last{};
                read_run(bytes, into.numbers, [&]() -> FreshRow<NumberRow> {
                    const std::uint64_t pid = bytes.number();
                    last.pid = plus(last.pid, unzigzag(pid >> 1));
                    last.low = bytes.real();
                    last.high = bytes.real();
                    last.unit = plus(last.unit, unzigzag(bytes.number()));
                    last.rid = plus(last.rid, unzigzag(bytes.number()));
                    return {last, (pid & 1) != 0};
                });
                break;
            }
            case of_names: {
                std::int64_t last = 0;
                read_run(bytes, into.names, [&]() -> FreshRow<NameRow> {
                    const std::string_view id = bytes.take(bytes.number());
                    const std::int64_t tid = unzigzag(bytes.number());
                    last = plus(last, unzigzag(bytes.number()));
                    return {{id, tid, last}, false};
                });
                break;
            }
            default: return false;
        }
    }
    return bytes.good();
}

Fresh load_fresh(sql::Connection& connection) {
    Fresh fresh;
    if (connection.engine() != sql::Engine::sqlite) return fresh;
    auto& query = connection.prepare("SELECT number, bytes FROM record_fresh ORDER BY number");
    query.reset();
    while (query.step()) {
        fresh.number = query.integer(0);
        if (FreshLine::read(fresh.number, query.text(1), fresh)) continue;
        query.reset();
        throw sql::Broken(sql::Broken::Why::corrupt,
                          "line " + std::to_string(fresh.number) + " of record_fresh does not fit its check sum");
    }
    return fresh;
}

}  // namespace xinglin::record
