#include "tests/support/fault_memory.hpp"

#include <sqlite3.h>

#include "common/core/check.hpp"

namespace gerbang::fault_memory {
namespace {

sqlite3_mem_methods g_system;
std::uint64_t g_calls = 0;
std::uint64_t g_at = 0;
bool g_is_persistent = false;
bool g_has_fired = false;

bool refuses() {
    ++g_calls;
    if (g_at == 0 || g_calls < g_at) return false;
    if (g_has_fired && !g_is_persistent) return false;
    g_has_fired = true;
    return true;
}

void* allocate(int bytes) {
    return refuses() ? nullptr : g_system.xMalloc(bytes);
}
void* reallocate(void* old, int bytes) {
    return refuses() ? nullptr : g_system.xRealloc(old, bytes);
}

/// SQLite takes its allocator before its first use only: at the start of the program.
struct Installer {
    Installer() {
        GERBANG_CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &g_system) == SQLITE_OK);
        auto counting = g_system;
        counting.xMalloc = allocate;
        counting.xRealloc = reallocate;
        GERBANG_CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &counting) == SQLITE_OK);
    }
};
const Installer g_installer;

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

}  // namespace gerbang::fault_memory
