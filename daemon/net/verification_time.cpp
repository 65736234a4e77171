#include "daemon/net/verification_time.hpp"

#include <algorithm>

namespace gerbang {

WallTime verification_time(const TimeEvidence& evidence) {
    WallTime latest = evidence.built;
    if (evidence.kernel.is_synchronised) latest = std::max(latest, evidence.kernel.wall);
    if (evidence.good) latest = std::max(latest, *evidence.good);
    return latest;
}

}  // namespace gerbang
