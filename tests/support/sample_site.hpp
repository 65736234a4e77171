#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/facts.hpp"
#include "common/model/series_table.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {

/// A village's journal made up of valid records: what a well-behaved gateway would send. Counters
/// grow at random, drawn from the seed, so that the same calls give the same records.
class SampleSite {
public:
    /// Begins with the records of a first start: epoch, boot, start, configuration.
    explicit SampleSite(std::string site, std::uint64_t seed = 1);

    /// One chunk of six ticks, 10 s apart. Some ticks lack the gauge; series are introduced first.
    void minute();
    void minutes(int count);
    /// The clock is known from here on: an anchor that is right.
    void anchor();
    /// An anchor that is wrong by `error`, as a clock that was set badly.
    void anchor_off_by(Millis error);
    void begin_outage(Cause cause);
    void end_outage();
    /// Power off for `off`, then another boot. Device time starts again.
    void reboot(Millis off = Millis{60'000});
    void configure(const ConfigFact& fact);
    /// Forgets everything after `seq`, as a restored card does. Counters fall back with it.
    void roll_back(Seq seq);
    /// Starts a new epoch; the present one becomes its parent as of `parent_last`.
    void new_epoch(Seq parent_last, const std::string& reason);

    [[nodiscard]] const std::string& site() const { return site_; }
    [[nodiscard]] EpochId epoch() const { return epoch_; }
    [[nodiscard]] Seq last() const { return Seq{records_.size()}; }
    /// Chain head after `seq` of the present epoch.
    [[nodiscard]] Head head(Seq seq) const;
    [[nodiscard]] const std::vector<Record>& records() const { return records_; }
    [[nodiscard]] std::vector<Record> records(SeqRange range) const;
    [[nodiscard]] wire::Batch batch(SeqRange range) const;
    [[nodiscard]] wire::Batch batch(std::uint64_t first, std::uint64_t last) const {
        return batch({Seq{first}, Seq{last}});
    }
    [[nodiscard]] wire::Batch all() const { return batch(1, last().value); }
    /// What the WAN counters show now.
    [[nodiscard]] std::int64_t wan_rx_bytes() const { return wan_rx_bytes_; }
    [[nodiscard]] std::int64_t wan_tx_bytes() const { return wan_tx_bytes_; }
    [[nodiscard]] WallTime now() const { return true_time_; }

private:
    void append(RecordBody body);
    void open_epoch(EpochId parent, Seq parent_last, const std::string& reason);
    void introduce_new_series();
    void pass(Millis span);
    std::uint64_t random();
    [[nodiscard]] DeviceTime device_time() const { return {boot_, at_}; }

    struct Counters {
        std::int64_t rx = 0;
        std::int64_t tx = 0;
    };

    std::string site_;
    std::uint64_t random_state_;
    EpochId epoch_;
    std::vector<Record> records_;
    std::vector<Head> heads_;         ///< heads_[n] is the head after record n
    std::vector<Counters> counters_;  ///< counters_[n]: what they showed after record n
    SeriesTable series_;
    BootNo boot_{1};
    Monotonic at_ = monotonic_from_ms(25'000);
    WallTime true_time_ = wall_from_ms(1'790'000'000'000);
    std::int64_t wan_rx_bytes_ = 0;
    std::int64_t wan_tx_bytes_ = 0;
    std::int64_t link_ = 1;
    std::uint64_t outages_ = 0;
    Outage outage_;
};

}  // namespace gerbang
