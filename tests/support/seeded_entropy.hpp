#pragma once

#include <cstdint>
#include <random>

#include "daemon/host/entropy.hpp"

namespace gerbang {

/// Repeatable random bits for tests: the same seed gives the same sequence on every machine.
class SeededEntropy final : public Entropy {
public:
    explicit SeededEntropy(std::uint64_t seed) : engine_{seed} {}
    [[nodiscard]] std::uint64_t bits() override;

private:
    std::mt19937_64 engine_;
};

}  // namespace gerbang
