#pragma once

#include <string>

#include "common/core/result.hpp"
#include "common/sla/statement.hpp"

namespace gerbang::web {

/// `GET /v1/sla`. Seconds of `down` stand under party and cause: {"provider": {"isp": 1234}}.
[[nodiscard]] std::string to_json(const sla::Statement& statement);
/// `bad_input` with the place. Unknown members are ignored.
[[nodiscard]] Result<sla::Statement> statement_from_json(const std::string& text);

}  // namespace gerbang::web
