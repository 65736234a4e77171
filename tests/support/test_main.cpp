#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>

#include "tests/support/seed.hpp"

int main(int argc, char* argv[]) {
    Catch::Session session;
    const int usage = session.applyCommandLine(argc, argv);
    if (usage != 0) return usage;
    std::printf("seed %llu, rounds x%g (repeat with GERBANG_SEED=%llu)\n",
                static_cast<unsigned long long>(gerbang::test_seed()), gerbang::test_effort(),
                static_cast<unsigned long long>(gerbang::test_seed()));
    return session.run();
}
