#pragma once

// The rungs that are asked by HTTP: what an answer says of the way to it. probe and net do not know
// each other; this joins them.

#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/model/ladder.hpp"
#include "daemon/net/uplink.hpp"
#include "daemon/probe/ladder_walk.hpp"

namespace gerbang {

/// The page that a portal would answer in the place of. `expected`: its status.
[[nodiscard]] RungFinding web_finding(const Result<HttpAnswer>& answer, unsigned expected);
/// The provincial server: whatever it answers, it is there. That it does not know us, or we not
/// its certificate, says nothing of the way to it.
[[nodiscard]] RungFinding province_finding(const Result<HttpAnswer>& answer);
/// A named service: down when nobody answers, or the server says that it failed (5xx).
[[nodiscard]] RungFinding service_finding(const Result<HttpAnswer>& answer);

/// "http://host:80/generate_204" in two: what an uplink is opened for, and what it is asked.
struct SplitUrl {
    std::string server;
    std::string path;  ///< "/" at least
};
[[nodiscard]] SplitUrl split_url(const std::string& url);

/// An uplink with the path to ask. `uplink` is not owned; nullptr: the rung stays unknown.
struct WebTarget {
    std::string name;
    Uplink* uplink = nullptr;
    std::string path;
};

/// The questions of the walk, answered through uplinks, which must outlive them and their answers,
/// as must `wan`: the interface that the page is asked through, empty for any.
[[nodiscard]] WebQuestions make_web_questions(const Clock& clock, const std::string& wan,
                                              WebTarget page, unsigned expected, WebTarget province,
                                              std::vector<WebTarget> services);

}  // namespace gerbang
