#pragma once

// How late it is at least, for certificates on a board whose clock nobody vouches for (design 4):
// pure.

#include <optional>
#include <string>
#include <string_view>

#include "common/model/timeline.hpp"

namespace gerbang {

/// Key of the journal's notes.
inline constexpr const char* kGoodTimeMemoryKey = "good_time";

/// A time below which no certificate is verified, which goes on with device time.
///
/// A floor that is too early lets an expired certificate pass; one that is too late refuses every
/// certificate, the province's Date that would correct it included. So no clock's word is taken at
/// once. Two looks at the clock of one boot that agree pull the floor towards what they say, up or
/// down, by at most `kPace` times the time between them: a clock that was years ahead for an hour
/// costs 30 hours, and is made good again in one. An operator's word counts for nothing. Only where
/// the kernel's synchronised clock and the province agree does the floor rise at once: whoever
/// sent that date had a certificate that was good by that clock.
class GoodTime {
public:
    static constexpr int kPace = 30;

    /// `least`: the program's build date; the floor never lies before it. `remembered`: what an
    /// earlier run left (`memory`); what is not ours, or no date before the year 10000, is ignored.
    explicit GoodTime(WallTime least, std::string_view remembered = {});

    /// A look at the clock, by kernel or province; the operator's and those outside of 1970 to 9999
    /// change nothing. Any number of them, in order of device time.
    void look(const Anchor& anchor);
    /// Kernel and province agree that it is at least `wall`.
    void prove(DeviceTime at, WallTime wall);

    /// It is at least this late.
    [[nodiscard]] WallTime at(DeviceTime now) const;
    /// For the next run, of this boot or a later one: "wall-ms boot device-ms". Changes once an
    /// hour, so that it is rarely written.
    [[nodiscard]] std::string memory(DeviceTime now) const;

private:
    WallTime least_;
    WallTime wall_;  ///< the floor at `set_`, or when the kernel started on a later boot
    DeviceTime set_;
    std::optional<Anchor> latest_;
};

}  // namespace gerbang
