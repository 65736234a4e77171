#include "tests/daemon/meter/allocations.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <new>

namespace {
std::atomic<std::uint64_t> count{0};
}

namespace gerbang {
std::uint64_t allocations() noexcept {
    return count.load();
}
}  // namespace gerbang

void* operator new(std::size_t size) {
    ++count;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++count;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}

TEST_CASE("The count of allocations sees an allocation", "[meter]") {
    const auto before = gerbang::allocations();
    const auto memory = std::make_unique<int>(1);
    CHECK(gerbang::allocations() == before + 1);
}
