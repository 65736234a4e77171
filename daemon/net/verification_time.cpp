#include "daemon/net/verification_time.hpp"

#include <algorithm>

namespace gerbang {

WallTime verification_time(const TimeEvidence& evidence) {
    WallTime latest = evidence.built;
    if (evidence.kernel.is_synchronised) latest = std::max(latest, evidence.kernel.wall);
    if (evidence.good_at_start) {
        latest = std::max(latest, *evidence.good_at_start + evidence.now.time_since_epoch());
    }
    return latest;
}

}  // namespace gerbang
