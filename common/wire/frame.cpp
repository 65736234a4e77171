#include "common/wire/frame.hpp"

namespace gerbang::wire {

Result<std::string_view> without_checksum(std::string_view bytes, std::string_view object) {
    if (bytes.size() < kChecksumBytes) {
        return Error{Errc::bad_input, std::string{object} + ": too short"};
    }
    const auto content = bytes.substr(0, bytes.size() - kChecksumBytes);
    ByteReader tail{bytes.substr(content.size())};
    if (tail.u32("checksum") == crc32(content)) return content;
    return Error{Errc::bad_input, std::string{object} + ": checksum differs, bytes were damaged"};
}

}  // namespace gerbang::wire
