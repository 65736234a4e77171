#pragma once

#include <string>

#include "common/model/record.hpp"
#include "common/wire/bytes.hpp"

namespace gerbang::wire {

/// Appends `event` in the one layout of events (FORMAT.md, "Events").
void put_event(std::string& out, const Event& event);

/// Reads what `put_event` wrote. Limits are checked here, `defect_of` is left to the caller.
[[nodiscard]] Event get_event(ByteReader& in);

}  // namespace gerbang::wire
