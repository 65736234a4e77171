#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "daemon/host/clock.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Answers by a script, on virtual time.
///
/// `script` is asked when the question is sent; its round trip passes on the clock before the
/// answer comes, and one longer than the time-out is no answer. Without a script everybody answers
/// after `latency`.
class ScriptedProber final : public Prober {
public:
    using Script = std::function<ProbeAnswer(const ProbeTarget& target, Monotonic now)>;

    explicit ScriptedProber(Clock& clock, Script script = {})
        : clock_{&clock}, script_{std::move(script)} {}

    void set_script(Script script) { script_ = std::move(script); }
    /// Everybody answers, or nobody does, from now on.
    void set_reachable(bool is_reachable) { is_reachable_ = is_reachable; }

    [[nodiscard]] net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                    const std::string& device,
                                                    Millis timeout) override;

    [[nodiscard]] std::uint64_t asked() const { return asked_; }
    /// Questions to the target of this name.
    [[nodiscard]] std::uint64_t asked(const std::string& name) const;
    [[nodiscard]] const std::string& last_device() const { return last_device_; }

    Millis latency{40};

private:
    Clock* clock_;
    Script script_;
    bool is_reachable_ = true;
    std::uint64_t asked_ = 0;
    std::map<std::string, std::uint64_t> by_name_;
    std::string last_device_;
};

}  // namespace gerbang
