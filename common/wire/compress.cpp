#include "common/wire/compress.hpp"

#include <zstd.h>

#include <memory>

#include "common/core/check.hpp"

namespace gerbang::wire {
namespace {

constexpr std::string_view kMagic{"\x28\xB5\x2F\xFD", 4};
constexpr int kLevel = 3;
/// A window of 256 KiB bounds the tables of the compressor to about 1 MiB, however large a pack.
constexpr int kWindowLog = 18;

struct Free {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, Free> context = [] {
        std::unique_ptr<ZSTD_CCtx, Free> made{ZSTD_createCCtx()};
        GERBANG_CHECK(made != nullptr);
        for (const auto& [parameter, value] :
             {std::pair{ZSTD_c_compressionLevel, kLevel}, std::pair{ZSTD_c_windowLog, kWindowLog},
              std::pair{ZSTD_c_checksumFlag, 0}, std::pair{ZSTD_c_contentSizeFlag, 1}}) {
            GERBANG_CHECK(ZSTD_isError(ZSTD_CCtx_setParameter(made.get(), parameter, value)) == 0);
        }
        return made;
    }();
    return context.get();
}

ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, Free> context{ZSTD_createDCtx()};
    GERBANG_CHECK(context != nullptr);
    return context.get();
}

}  // namespace

std::optional<std::string> compress(std::string_view content) {
    std::string frame(ZSTD_compressBound(content.size()), '\0');
    const std::size_t size =
        ZSTD_compress2(compressor(), frame.data(), frame.size(), content.data(), content.size());
    GERBANG_CHECK(ZSTD_isError(size) == 0 && size > kMagic.size());
    if (size - kMagic.size() >= content.size()) return std::nullopt;
    frame.resize(size);
    frame.erase(0, kMagic.size());
    frame.shrink_to_fit();
    return frame;
}

std::optional<std::uint64_t> decompressed_size(std::string_view frame) {
    // The header of a frame has at most 18 bytes.
    std::string head{kMagic};
    head.append(frame.substr(0, 18));
    const auto size = ZSTD_getFrameContentSize(head.data(), head.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return std::nullopt;
    return size;
}

bool decompress(std::string_view frame, std::size_t max_bytes, std::string& content) {
    content.clear();
    std::string whole;
    whole.reserve(kMagic.size() + frame.size());
    whole.append(kMagic).append(frame);
    const auto size = ZSTD_getFrameContentSize(whole.data(), whole.size());
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return false;
    if (size > max_bytes) return false;
    content.resize(static_cast<std::size_t>(size));
    const std::size_t got = ZSTD_decompressDCtx(decompressor(), content.data(), content.size(),
                                                whole.data(), whole.size());
    if (got == content.size() && ZSTD_isError(got) == 0) return true;
    content.clear();
    return false;
}

}  // namespace gerbang::wire
