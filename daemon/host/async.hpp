#pragma once

#include <boost/asio/awaitable.hpp>

namespace boost::asio {}

namespace gerbang {
/// The usual short name for Asio; headers use it for `net::awaitable` only.
namespace net = boost::asio;
}  // namespace gerbang
