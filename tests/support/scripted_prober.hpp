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
/// The script is asked when the question is sent; its round trip passes on the clock before the
/// answer comes, and one longer than the time-out is no answer. Without a script everybody answers
/// after `latency`, names rightly. A question that is not answered and says nothing else is silent
/// until the time-out.
class ScriptedProber final : public Prober {
public:
    using Script = std::function<ProbeAnswer(const ProbeTarget& target, Monotonic now)>;
    using NameScript = std::function<ProbeAnswer(const NameQuestion& question, Monotonic now)>;

    explicit ScriptedProber(Clock& clock, Script script = {})
        : clock_{&clock}, script_{std::move(script)} {}

    void set_script(Script script) { script_ = std::move(script); }
    void set_name_script(NameScript script) { name_script_ = std::move(script); }
    /// Everybody answers, names included, or nobody does, from now on.
    void set_reachable(bool is_reachable) { is_reachable_ = is_reachable; }

    [[nodiscard]] net::awaitable<ProbeAnswer> probe(const ProbeTarget& target,
                                                    const std::string& device,
                                                    Millis timeout) override;
    [[nodiscard]] net::awaitable<ProbeAnswer> ask_name(const NameQuestion& question,
                                                       const std::string& device,
                                                       Millis timeout) override;

    /// Questions to hosts.
    [[nodiscard]] std::uint64_t asked() const { return asked_; }
    /// Questions to the target of this name.
    [[nodiscard]] std::uint64_t asked(const std::string& name) const;
    /// Questions for names, to any resolver.
    [[nodiscard]] std::uint64_t names_asked() const { return names_asked_; }
    [[nodiscard]] std::uint64_t names_asked(const std::string& resolver) const;
    /// Of the newest question to a host.
    [[nodiscard]] const std::string& last_device() const { return last_device_; }

    Millis latency{40};

private:
    /// Lets the answer take its time.
    net::awaitable<ProbeAnswer> deliver(ProbeAnswer answer, Millis timeout);

    Clock* clock_;
    Script script_;
    NameScript name_script_;
    bool is_reachable_ = true;
    std::uint64_t asked_ = 0;
    std::uint64_t names_asked_ = 0;
    std::map<std::string, std::uint64_t> by_name_;
    std::map<std::string, std::uint64_t> by_resolver_;
    std::string last_device_;
};

}  // namespace gerbang
