#include "tests/support/fault_new.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace gerbang::fault_new {
namespace {

thread_local bool g_is_inside = false;
std::uint64_t g_calls = 0;
std::uint64_t g_at = 0;
bool g_is_persistent = false;
bool g_has_fired = false;

bool refuses() {
    if (!g_is_inside) return false;
    ++g_calls;
    if (g_at == 0 || g_calls < g_at) return false;
    if (g_has_fired && !g_is_persistent) return false;
    g_has_fired = true;
    return true;
}

}  // namespace

void arm(std::uint64_t at, bool is_persistent) {
    g_calls = 0;
    g_at = at;
    g_is_persistent = is_persistent;
    g_has_fired = false;
}
std::uint64_t calls() {
    return g_calls;
}
bool fired() {
    return g_has_fired;
}

Region::Region() {
    g_is_inside = true;
}
Region::~Region() {
    g_is_inside = false;
}

}  // namespace gerbang::fault_new

void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return gerbang::fault_new::refuses() ? nullptr : std::malloc(bytes != 0 ? bytes : 1);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
    return operator new(bytes, tag);
}
void* operator new(std::size_t bytes) {
    void* memory = operator new(bytes, std::nothrow);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void* operator new[](std::size_t bytes) {
    return operator new(bytes);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
