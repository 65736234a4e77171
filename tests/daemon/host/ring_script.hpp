#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>

#include "daemon/host/ring.hpp"

namespace gerbang::ring_test {

/// The obvious ring: what a ring must hold after each step.
struct Model {
    std::deque<Ring::Entry> entries;
    Ring::Intent intent;
    std::uint64_t next = 1;

    void append(std::string bytes) { entries.push_back({next++, std::move(bytes)}); }
    void release(std::uint64_t through) {
        while (!entries.empty() && entries.front().number <= through) entries.pop_front();
        if (through >= intent.through) intent = {};
    }
    [[nodiscard]] bool equals(const Ring::Left& left) const {
        if (left.entries.size() != entries.size()) return false;
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (left.entries[i].number != entries[i].number) return false;
            if (left.entries[i].bytes != entries[i].bytes) return false;
        }
        return left.intent.epoch == intent.epoch && left.intent.first == intent.first &&
               left.intent.last == intent.last && left.intent.through == intent.through;
    }
};

/// A number that looks random and depends on (seed, step, use) only.
inline std::uint64_t draw(std::uint64_t seed, std::uint64_t step, std::uint64_t use) {
    std::uint64_t z = seed * 0x9e3779b97f4a7c15u + step * 0xbf58476d1ce4e5b9u + use;
    for (int i = 0; i < 2; ++i) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        z ^= z >> 31;
    }
    return z;
}

inline std::string bytes_of_step(std::uint64_t seed, std::uint64_t step, std::uint64_t longest) {
    std::string bytes(draw(seed, step, 1) % (longest + 1), '\0');
    auto word = draw(seed, step, 6);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof word) {
        std::memcpy(bytes.data() + at, &word, std::min(sizeof word, bytes.size() - at));
        word = word * 6364136223846793005u + 1442695040888963407u;
    }
    return bytes;
}

inline Ring::Intent intent_of_step(std::uint64_t seed, std::uint64_t step, std::uint64_t through) {
    Ring::Intent intent;
    intent.epoch.bytes.fill(static_cast<std::uint8_t>(draw(seed, step, 2)));
    intent.first = Seq{draw(seed, step, 3) % 1000 + 1};
    intent.last = Seq{intent.first.value + 5};
    intent.through = through;
    return intent;
}

/// Step `step` of a daemon's life on ring and model alike. With `ring` null only the model moves,
/// as it would if the ring never filled up. True unless the ring refused an append.
inline bool take_step(std::uint64_t seed, std::uint64_t step, std::uint64_t longest, Ring* ring,
                      Model& model) {
    const auto choice = draw(seed, step, 0) % 16;
    const auto oldest = model.entries.empty() ? model.next : model.entries.front().number;
    // Mostly a little is released, so that rings fill up and wrap around; seldom everything.
    const auto held = model.next - oldest;
    const auto part = draw(seed, step, 5) % 64 == 0 ? held : std::min<std::uint64_t>(held, 7);
    const auto through = oldest + draw(seed, step, 4) % (part + 1);
    if (choice < 11) {
        auto bytes = bytes_of_step(seed, step, longest);
        if (ring != nullptr) {
            const auto number = ring->append(bytes);
            if (!number) return false;
            GERBANG_CHECK(*number == model.next);
        }
        model.append(std::move(bytes));
    } else if (choice < 13) {
        const auto intent = intent_of_step(seed, step, through);
        if (ring != nullptr) ring->intend(intent);
        model.intent = intent;
    } else {
        if (ring != nullptr) ring->release(through);
        model.release(through);
    }
    return true;
}

}  // namespace gerbang::ring_test
