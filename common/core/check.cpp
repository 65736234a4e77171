#include "common/core/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace gerbang {

void check_failed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "<0>gerbang: internal check failed: %s (%s:%d)\n", condition, file, line);
    std::abort();
}

}  // namespace gerbang
