#pragma once

#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/sla/statement.hpp"

namespace gerbang::web {

/// `GET /v1/sla`. Seconds of `down` stand under party and cause: {"provider": {"isp": 1234}}.
[[nodiscard]] std::string to_json(const sla::Statement& statement);
/// `bad_input` with the place. Unknown members are ignored.
[[nodiscard]] Result<sla::Statement> statement_from_json(const std::string& text);

/// `GET /v1/availability`: {"days": [{"day": "2026-10-01", "period_s": 86400, "up_s": 85200,
/// "unmeasured_s": 0, "down": {"isp": 1200}, "raw_ppm": 986111}]}; `raw_ppm` is absent when nothing
/// was measured.
[[nodiscard]] std::string to_json(const std::vector<sla::Day>& days);
/// `bad_input` with the place. Unknown members and causes are ignored.
[[nodiscard]] Result<std::vector<sla::Day>> days_from_json(const std::string& text);

}  // namespace gerbang::web
