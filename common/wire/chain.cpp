#include "common/wire/chain.hpp"

#include <openssl/evp.h>

#include <bit>
#include <memory>
#include <vector>

#include "common/core/check.hpp"
#include "common/wire/bytes.hpp"

namespace gerbang::wire {
namespace {

constexpr std::uint8_t kChunk = 1;
constexpr std::uint8_t kEvent = 2;
constexpr std::uint8_t kNumber = 1;
constexpr std::uint8_t kText = 2;

void put_i64(std::string& out, std::int64_t value) {
    put_u64(out, static_cast<std::uint64_t>(value));
}

/// A chunk is mostly values, so they go over in one piece where memory has the layout already.
void put_i64s(std::string& out, const std::vector<std::int64_t>& values) {
    if constexpr (std::endian::native == std::endian::little) {
        out.append(reinterpret_cast<const char*>(values.data()),
                   values.size() * sizeof(std::int64_t));
    } else {
        for (const auto value : values) put_i64(out, value);
    }
}

void put_chunk(std::string& out, const Chunk& chunk) {
    put_u8(out, kChunk);
    put_u32(out, chunk.boot.value);
    put_u8(out, chunk.level);
    put_u32(out, static_cast<std::uint32_t>(chunk.ticks.size()));
    for (const auto tick : chunk.ticks) put_i64(out, to_ms(tick));
    put_u32(out, static_cast<std::uint32_t>(chunk.columns.size()));
    for (const auto& column : chunk.columns) {
        put_u32(out, column.series.value);
        put_u8(out, column.present.empty() ? 0 : 1);
        out.append(column.present.begin(), column.present.end());
        put_u32(out, static_cast<std::uint32_t>(column.values.size()));
        put_i64s(out, column.values);
    }
}

void put_event(std::string& out, const Event& event) {
    put_u8(out, kEvent);
    put_u8(out, static_cast<std::uint8_t>(event.kind));
    put_u32(out, event.at.boot.value);
    put_i64(out, to_ms(event.at.at));
    put_u32(out, static_cast<std::uint32_t>(event.fields.size()));
    for (const auto& field : event.fields) {
        put_u8(out, static_cast<std::uint8_t>(field.key.size()));
        out.append(field.key);
        if (const auto* text = std::get_if<std::string>(&field.value)) {
            put_u8(out, kText);
            put_u32(out, static_cast<std::uint32_t>(text->size()));
            out.append(*text);
        } else {
            put_u8(out, kNumber);
            put_i64(out, std::get<std::int64_t>(field.value));
        }
    }
}

void put_canonical(std::string& out, const Record& record) {
    GERBANG_CHECK(is_chainable(record));
    put_u64(out, record.seq.value);
    if (const auto* chunk = std::get_if<Chunk>(&record.body)) {
        put_chunk(out, *chunk);
    } else {
        put_event(out, std::get<Event>(record.body));
    }
}

struct FreeDigest {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
};

/// Looking the digest up costs several times more than a small record's hash, so it is done once.
const EVP_MD* sha256() {
    static const std::unique_ptr<EVP_MD, FreeDigest> digest{
        EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    GERBANG_CHECK(digest != nullptr);
    return digest.get();
}

}  // namespace

bool is_chainable(const Record& record) noexcept {
    const auto* chunk = std::get_if<Chunk>(&record.body);
    return chunk == nullptr || chunk->level == 0;
}

std::string canonical(const Record& record) {
    std::string bytes;
    put_canonical(bytes, record);
    return bytes;
}

Head next_head(const Head& before, const Record& record) {
    thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> context{EVP_MD_CTX_new()};
    thread_local std::string content;
    content.clear();
    put_canonical(content, record);

    Head head{};
    unsigned size = 0;
    GERBANG_CHECK(context != nullptr);
    GERBANG_CHECK(EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1);
    GERBANG_CHECK(EVP_DigestUpdate(context.get(), before.data(), before.size()) == 1);
    GERBANG_CHECK(EVP_DigestUpdate(context.get(), content.data(), content.size()) == 1);
    GERBANG_CHECK(EVP_DigestFinal_ex(context.get(), head.data(), &size) == 1);
    GERBANG_CHECK(size == head.size());

    // One giant record must not keep its memory for the life of the thread.
    constexpr std::size_t kKeptBytes = std::size_t{1} << 18;
    if (content.capacity() > kKeptBytes) content = {};
    return head;
}

}  // namespace gerbang::wire
