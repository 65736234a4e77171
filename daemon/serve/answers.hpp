#pragma once

// What the handlers of daemon/serve have in common: answers and parameters. Internal to it.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/result.hpp"
#include "daemon/serve/http.hpp"
#include "daemon/serve/target.hpp"

namespace gerbang {

/// RFC 9457.
[[nodiscard]] ServerResponse problem(int status, const char* title, const std::string& detail);
[[nodiscard]] ServerResponse bad_request(const std::string& detail);
/// 405 with `allowed` in its Allow header.
[[nodiscard]] ServerResponse wrong_method(std::string allowed);
/// A source that cannot answer; the request itself was fine.
[[nodiscard]] ServerResponse failed(const Error& error);
[[nodiscard]] ServerResponse json_answer(std::string body);

/// The request's parameters, all of them among `known`.
[[nodiscard]] Result<std::vector<Parameter>> parameters_of(
    const ServerRequest& request, std::initializer_list<std::string_view> known);
/// nullptr: it is not there.
[[nodiscard]] const std::string* find(const std::vector<Parameter>& parameters,
                                      std::string_view name);
/// A plain decimal number of at most `most`; nothing for anything else.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most);

/// Where to read on, by the parameters `epoch` and `after`.
struct ReadPlace {
    EpochId epoch;
    Seq after;
};
[[nodiscard]] Result<ReadPlace> read_place(const std::vector<Parameter>& parameters);

}  // namespace gerbang
