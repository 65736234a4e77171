#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gerbang {

/// The only source of random choices: identifiers and jitter.
class Entropy {
public:
    virtual ~Entropy() = default;
    /// 64 random bits.
    [[nodiscard]] virtual std::uint64_t bits() = 0;

    /// A random (version 4) UUID.
    [[nodiscard]] std::array<std::uint8_t, 16> uuid();
    /// Uniform in [0, bound); 0 for bound 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

/// The kernel's getrandom(2), drawn for several at a time; what was given is not kept. After a
/// fork one of the two processes must open another. One thread only.
class SystemEntropy final : public Entropy {
public:
    [[nodiscard]] std::uint64_t bits() override;

private:
    std::array<std::uint64_t, 32> drawn_{};
    std::size_t left_ = 0;
};

}  // namespace gerbang
