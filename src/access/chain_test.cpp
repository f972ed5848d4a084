// SPDX-License-Identifier: Apache-2.0
// Whatever is done to the audit is found and named.
#include "access/chain.h"

#include <gtest/gtest.h>

#include <random>

#include "access/audit.h"
#include "testing/testing.h"

namespace xinglin::access {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); }

std::string word(Random& random) {
    std::string word;
    for (std::size_t i = below(random, 6); i > 0; --i) word += static_cast<char>('a' + below(random, 4));
    return word;
}

constexpr std::string Access::*texts[] = {&Access::who,         &Access::role,          &Access::what,    &Access::type,
                                          &Access::id,          &Access::patient,       &Access::purpose, &Access::detail,
                                          &Access::trace_id,    &Access::peer,          &Access::display, &Access::practitioner,
                                          &Access::institution, &Access::authorisation, &Access::reason};

Access some_line(Random& random, std::int64_t row) {
    Access line;
    line.row = row;
    line.at_ms = 1'750'000'000'000 + row * 37;
    for (const auto member : texts) line.*member = word(random);
    line.status = below(random, 5) == 0 ? 403 : 200;
    line.count = static_cast<std::uint32_t>(below(random, 3));
    return line;
}

const signature::PrivateKey& our_key() {
    static const signature::PrivateKey key = signature::PrivateKey::fresh(signature::Algorithm::sm2);
    return key;
}

struct Line {
    Access access;
    std::string hash;
};
struct Kept {
    std::vector<Line> lines;
    std::vector<Checkpoint> checkpoints;
    std::vector<std::optional<bool>> fits;
};

void chain_from(Kept& kept, std::size_t first) {
    std::string before = first == 0 ? std::string(hash_bytes, '\0') : kept.lines[first - 1].hash;
    for (std::size_t i = first; i < kept.lines.size(); ++i) before = kept.lines[i].hash = link(before, kept.lines[i].access);
}

Checkpoint sign(const Kept& kept, std::int64_t number, std::size_t index, const signature::PrivateKey& key) {
    Checkpoint checkpoint;
    checkpoint.number = number;
    checkpoint.row = kept.lines[index].access.row;
    checkpoint.at_ms = kept.lines[index].access.at_ms + 1;
    checkpoint.hash = kept.lines[index].hash;
    checkpoint.key = key.public_key().point();
    checkpoint.signature = key.sign(checkpoint.signed_bytes());
    return checkpoint;
}

Kept sound(Random& random, std::size_t count) {
    Kept kept;
    for (std::size_t i = 0; i < count; ++i) kept.lines.push_back({some_line(random, static_cast<std::int64_t>(i) + 1), ""});
    chain_from(kept, 0);
    kept.checkpoints = {sign(kept, 1, count / 2, our_key()), sign(kept, 2, count - 1, our_key())};
    kept.fits = {true, true};
    return kept;
}

Verifier judged(const Kept& kept, const std::optional<Checkpoint>& anchor = {}) {
    Verifier verifier;
    verifier.trust(our_key().public_key().point());
    if (anchor) verifier.expect_anchor(*anchor);
    for (std::size_t i = 0; i < kept.checkpoints.size(); ++i) verifier.expect(kept.checkpoints[i], kept.fits[i]);
    for (const Line& line : kept.lines) verifier.add(line.access, line.hash);
    verifier.finish();
    return verifier;
}

/// Another value of a field; the field is chosen at random.
void alter(Random& random, Access& line) {
    const std::size_t field = below(random, std::size(texts) + 4);
    if (field < std::size(texts)) {
        std::string& text = line.*texts[field];
        if (text.empty() || below(random, 2) == 0) text += 'x';
        else if (below(random, 2) == 0) text.pop_back();
        else text[below(random, text.size())] ^= 1;
    } else if (field == std::size(texts)) {
        line.at_ms += 1 + static_cast<std::int64_t>(below(random, 1'000));
    } else if (field == std::size(texts) + 1) {
        line.status = line.status == 200 ? 201 : 200;
    } else if (field == std::size(texts) + 2) {
        line.count += 1;
    } else {  // from the end of one field to the beginning of the next: lengths stand in front, so it shows
        std::string &one = line.who, &other = line.role;
        if (one.empty()) other += 'x';
        else {
            other.insert(other.begin(), one.back());
            one.pop_back();
        }
    }
}

enum class Harm {
    alter,
    alter_and_hash,
    write_anew,
    remove,
    remove_and_number,
    swap,
    insert,
    repeat,
    cut,
    unhash,
    hash,
    checkpoint
};
constexpr int harms = 12;

/// Does one harm; returns the number of the line that a fault must be near.
std::int64_t harm(Random& random, Harm how, Kept& kept) {
    const std::size_t at = below(random, kept.lines.size() - 1);
    Line& line = kept.lines[at];
    const std::int64_t row = line.access.row;
    const auto place = kept.lines.begin() + static_cast<std::ptrdiff_t>(at);
    switch (how) {
        case Harm::alter: alter(random, line.access); break;
        case Harm::alter_and_hash:
            alter(random, line.access);
            line.hash = link(at == 0 ? std::string(hash_bytes, '\0') : kept.lines[at - 1].hash, line.access);
            break;
        case Harm::write_anew:
            alter(random, line.access);
            chain_from(kept, at);
            break;
        case Harm::remove: kept.lines.erase(place); break;
        case Harm::remove_and_number:
            kept.lines.erase(place);
            for (std::size_t i = at; i < kept.lines.size(); ++i) --kept.lines[i].access.row;
            break;
        case Harm::swap:
            std::swap(kept.lines[at], kept.lines[at + 1]);
            if (below(random, 2) == 0) std::swap(kept.lines[at].access.row, kept.lines[at + 1].access.row);
            break;
        case Harm::insert: {
            Line fresh{some_line(random, row), ""};
            fresh.hash = link(at == 0 ? std::string(hash_bytes, '\0') : kept.lines[at - 1].hash, fresh.access);
            kept.lines.insert(place, fresh);
            if (below(random, 2) == 0)
                for (std::size_t i = at + 1; i < kept.lines.size(); ++i) ++kept.lines[i].access.row;
            break;
        }
        case Harm::repeat: kept.lines.insert(place, Line(line)); break;
        case Harm::cut: kept.lines.resize(at + 1); break;
        case Harm::unhash: line.hash.clear(); break;
        case Harm::hash: line.hash[below(random, hash_bytes)] ^= static_cast<char>(1 << below(random, 8)); break;
        case Harm::checkpoint: {
            const std::size_t which = below(random, kept.checkpoints.size());
            Checkpoint& checkpoint = kept.checkpoints[which];
            const std::int64_t stood = checkpoint.row;
            kept.fits[which].reset();
            switch (below(random, 6)) {
                case 0: checkpoint.row -= 1; break;
                case 1: checkpoint.hash[below(random, hash_bytes)] ^= 4; break;
                case 2: checkpoint.at_ms += 1; break;
                case 3: checkpoint.signature[below(random, checkpoint.signature.size())] ^= 16; break;
                case 4:
                    kept.checkpoints.erase(kept.checkpoints.begin());
                    kept.fits.erase(kept.fits.begin());
                    return kept.checkpoints.front().row;
                default: {
                    static const signature::PrivateKey theirs = signature::PrivateKey::fresh(signature::Algorithm::sm2);
                    checkpoint = sign(kept, checkpoint.number, static_cast<std::size_t>(checkpoint.row) - 1, theirs);
                }
            }
            return stood;
        }
    }
    return row;
}

TEST(Sm3, OfThePublishedExample) {  // GB/T 32905-2016, A.1
    EXPECT_EQ(hex(sm3("abc")), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

TEST(Chain, OfSoundLinesHasNoFault) {
    Random random(testing::seed());
    const Kept kept = sound(random, 40);
    const Verifier verifier = judged(kept, kept.checkpoints[0]);
    EXPECT_TRUE(verifier.faults().empty()) << verifier.faults().front().what;
    EXPECT_EQ(verifier.lines(), 40u);
    EXPECT_EQ(verifier.newest(), 40);
    EXPECT_EQ(verifier.keys(), std::vector{our_key().public_key().point()});
    EXPECT_TRUE(judged(Kept()).faults().empty()) << "an empty audit is sound";
}

// Ten thousand in a build with sanitizers; XINGLIN_HARMS=100000 does them all.
TEST(Chain, FindsAndNamesEachHarm) {
    const char* said = std::getenv("XINGLIN_HARMS");
    const int count = said ? std::atoi(said) : 10'000;
    Random random(testing::seed());
    const Kept untouched = sound(random, 12);
    for (int i = 0; i < count; ++i) {
        Kept kept = untouched;
        const auto how = static_cast<Harm>(i % harms);
        const std::int64_t near = harm(random, how, kept);
        const Verifier verifier = judged(kept);
        ASSERT_FALSE(verifier.faults().empty()) << "harm " << static_cast<int>(how) << " on line " << near;
        bool named = false;
        // What was written anew from a line on is only seen at the next checkpoint; everything else at the line or the one after.
        const std::int64_t reach = how == Harm::write_anew ? 12 : 1;
        for (const Fault& fault : verifier.faults())
            named = named || (fault.first <= near + reach && fault.last >= near - 1 && fault.at_ms > 0 && !fault.what.empty());
        ASSERT_TRUE(named) << "harm " << static_cast<int>(how) << " on line " << near << ": " << verifier.faults().front().what;
    }
}

TEST(Chain, WrittenAnewAsAWholeIsFoundByAnAnchor) {
    Random random(testing::seed());
    Kept kept = sound(random, 20);
    const auto anchor = Checkpoint::parse(kept.checkpoints[0].json());
    ASSERT_TRUE(anchor.ok()) << anchor.outcome().line();
    kept.lines[3].access.who = "nobody";
    chain_from(kept, 3);
    kept.checkpoints = {sign(kept, 1, 10, our_key()), sign(kept, 2, 19, our_key())};
    EXPECT_TRUE(judged(kept).faults().empty()) << "with the key in hand nothing inside shows it";
    const Verifier verifier = judged(kept, *anchor);
    ASSERT_EQ(verifier.faults().size(), 1u);
    EXPECT_EQ(verifier.faults()[0].kind, Fault::Kind::anchor);
}

TEST(Chain, CutBehindItsLastCheckpointIsFoundByAnAnchor) {
    Random random(testing::seed());
    Kept kept = sound(random, 20);
    const Checkpoint anchor = kept.checkpoints[1];
    kept.lines.resize(11);
    kept.checkpoints.pop_back();
    kept.fits.pop_back();
    EXPECT_TRUE(judged(kept).faults().empty());
    const Verifier verifier = judged(kept, anchor);
    ASSERT_EQ(verifier.faults().size(), 1u);
    EXPECT_EQ(verifier.faults()[0].kind, Fault::Kind::truncated);
    EXPECT_EQ(verifier.faults()[0].first, 12);
    EXPECT_EQ(verifier.faults()[0].last, 20);
}

TEST(Chain, AnAnchorThatWasChangedIsRefused) {
    Random random(testing::seed());
    const Checkpoint checkpoint = sound(random, 4).checkpoints[1];
    const std::string text = checkpoint.json();
    EXPECT_TRUE(Checkpoint::parse(text + "\n").ok());
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string changed = text;
        changed[i] = changed[i] == '1' ? '2' : '1';
        const auto read = Checkpoint::parse(changed);
        if (!read.ok()) continue;  // what may differ is the time in words, which nobody reads back
        EXPECT_EQ(read->signed_bytes(), checkpoint.signed_bytes()) << changed;
        EXPECT_EQ(read->signature, checkpoint.signature) << changed;
    }
    for (const std::string_view nothing : {"", "{}", "[]", "{\"line\":1}", "\xff"}) EXPECT_FALSE(Checkpoint::parse(nothing).ok());
}

}  // namespace
}  // namespace xinglin::access
