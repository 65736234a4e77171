// Boost.JSON compiled into this library: the one file that includes its source.
#include <boost/json/src.hpp>
