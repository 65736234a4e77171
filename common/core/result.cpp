#include "common/core/result.hpp"

namespace gerbang {

const char* to_string(Errc code) noexcept {
    switch (code) {
        case Errc::unreachable:
            return "unreachable";
        case Errc::overloaded:
            return "overloaded";
        case Errc::not_authorised:
            return "not_authorised";
        case Errc::too_large:
            return "too_large";
        case Errc::diverged:
            return "diverged";
        case Errc::refused:
            return "refused";
        case Errc::storage_full:
            return "storage_full";
        case Errc::storage_broken:
            return "storage_broken";
        case Errc::bad_input:
            return "bad_input";
        case Errc::not_found:
            return "not_found";
        case Errc::stopped:
            return "stopped";
    }
    return "unknown";
}

}  // namespace gerbang
