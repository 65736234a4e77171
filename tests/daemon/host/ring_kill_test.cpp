// A ring under kill -9: a forked child works on it as fast as it can and is killed anywhere.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "daemon/host/ring.hpp"
#include "tests/daemon/host/ring_script.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using ring_test::Model;

namespace {

constexpr std::uint64_t kCapacity = 256 * 1024;
constexpr std::uint64_t kLongest = 300;
constexpr std::uint64_t kStepsOfALife = 5'000'000;

/// What the child tells its parent: memory that both share and that outlives the child.
class Progress {
public:
    Progress()
        : done_{static_cast<std::atomic<std::uint64_t>*>(
              ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0))} {
        REQUIRE(static_cast<void*>(done_) != MAP_FAILED);
    }
    ~Progress() { ::munmap(done_, sizeof *done_); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    [[nodiscard]] std::uint64_t done() const { return done_->load(std::memory_order_acquire); }
    void set(std::uint64_t steps) { done_->store(steps, std::memory_order_release); }

private:
    std::atomic<std::uint64_t>* done_;
};

/// A step on the ring; a full ring gives up its oldest half first, as the daemon would.
void live_one_step(std::uint64_t seed, std::uint64_t step, Ring* ring, Model& model) {
    if (model.entries.size() > 600) {
        const auto middle = model.entries[300].number;
        if (ring != nullptr) ring->release(middle);
        model.release(middle);
    } else if (!ring_test::take_step(seed, step, kLongest, ring, model)) {
        ::_exit(3);
    }
}

[[noreturn]] void live(const std::string& path, const BootId& boot, std::uint64_t seed,
                       std::uint64_t first_step, Model model, Progress& progress) {
    auto ring = open_ring(path, boot, kCapacity);
    if (!ring) ::_exit(2);
    if (!model.equals((*ring)->left_behind())) ::_exit(4);
    for (auto step = first_step; step < first_step + kStepsOfALife; ++step) {
        live_one_step(seed, step, ring->get(), model);
        progress.set(step + 1);
    }
    for (;;) ::pause();  // a parent that had no processor for so long still kills it
}

}  // namespace

TEST_CASE("Ring survives kill -9 at any moment with every step whole or not begun",
          "[host][ring][fault]") {
    const TempFolder folder;
    const auto path = folder.file("ring");
    const auto seed = test_seed();
    std::mt19937_64 random{seed};
    BootId boot;
    boot.bytes.fill(1);
    Progress progress;
    Model model;  // what the ring must hold now
    std::uint64_t steps = 0;
    std::uint64_t caught_in_a_step = 0;
    const auto rounds = test_rounds(400);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        INFO("seed " << seed << " round " << round << " after step " << steps);
        progress.set(steps);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) live(path, boot, seed, steps, model, progress);

        // Now and then before its first step, while it is opening.
        const auto target = steps + (random() % 8 == 0 ? 0 : 1 + random() % 2000);
        while (progress.done() < target && ::waitpid(child, nullptr, WNOHANG) == 0) {
        }
        for (std::uint64_t spin = random() % 4000; spin > 0; --spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));

        for (; steps < progress.done(); ++steps) live_one_step(seed, steps, nullptr, model);
        auto found = open_ring(path, boot, kCapacity);
        REQUIRE(found);
        const auto left = (*found)->left_behind();
        if (!model.equals(left)) {
            // Then the step under way is there already, and wholly.
            live_one_step(seed, steps++, nullptr, model);
            ++caught_in_a_step;
            REQUIRE(model.equals(left));
        }
    }
    std::printf("ring: %llu kills in %llu steps, %llu between a step and its report; lost 0\n",
                static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(steps),
                static_cast<unsigned long long>(caught_in_a_step));
}

TEST_CASE("Ring killed while it is made is empty or has what was put in, and nothing older",
          "[host][ring][fault]") {
    const TempFolder folder;
    const auto path = folder.file("ring");
    std::mt19937_64 random{test_seed()};
    Progress progress;
    BootId old_boot;
    old_boot.bytes.fill(1);
    BootId new_boot;
    new_boot.bytes.fill(2);
    for (std::uint64_t round = 0; round < test_rounds(200); ++round) {
        INFO("seed " << test_seed() << " round " << round);
        {
            auto old = open_ring(path, old_boot, kCapacity);
            REQUIRE(old);
            for (int i = 0; i < 3; ++i) REQUIRE((*old)->append("old"));
        }
        progress.set(0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            progress.set(1);
            auto ring = open_ring(path, new_boot, kCapacity);
            if (!ring || !(*ring)->append("new")) ::_exit(2);
            progress.set(2);
            for (;;) ::pause();
        }
        while (progress.done() == 0) {
        }
        for (std::uint64_t spin = random() % 100'000; spin > 0 && progress.done() != 2; --spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        const bool was_reported = progress.done() == 2;
        ::kill(child, SIGKILL);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));

        auto found = open_ring(path, new_boot, kCapacity);
        REQUIRE(found);
        const auto left = (*found)->left_behind();
        REQUIRE(left.entries.size() <= 1);
        if (was_reported) REQUIRE(left.entries.size() == 1);
        for (const auto& entry : left.entries) REQUIRE(entry.bytes == "new");
    }
}
