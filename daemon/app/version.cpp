#include "daemon/app/version.hpp"

#ifndef GERBANG_BUILD_EPOCH
#define GERBANG_BUILD_EPOCH 1793491200
#endif

namespace gerbang {

WallTime build_date() noexcept {
    return wall_from_ms(std::int64_t{GERBANG_BUILD_EPOCH} * 1000);
}

}  // namespace gerbang
