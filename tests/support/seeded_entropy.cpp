#include "tests/support/seeded_entropy.hpp"

namespace gerbang {

std::uint64_t SeededEntropy::bits() {
    return engine_();
}

}  // namespace gerbang
