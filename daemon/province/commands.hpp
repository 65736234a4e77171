#pragma once

// The subcommands of `gerbang-province`, behind their command line. Each returns an exit code of
// sysexits(3).

#include <string>

#include "common/core/language.hpp"

namespace gerbang::province {

struct ReceiveOptions {
    std::string listen = "127.0.0.1:8620";  ///< numeric ADDRESS:PORT, IPv6 in brackets; port 0: any
    std::string store = "/var/lib/gerbang-province/province.db";
    std::string tls_cert;
    std::string tls_key;
    std::string client_ca;
    std::string tokens;
    bool trust_network = false;
    bool verbose = false;
};

/// Runs the receiver until SIGTERM or SIGINT.
[[nodiscard]] int run_receive(const ReceiveOptions& options);
struct PullOptions {
    std::string gateways = "/etc/gerbang-province/gateways";  ///< see `parse_inventory`
    std::string store = "/var/lib/gerbang-province/province.db";
    unsigned parallel = 16;  ///< gateways at a time, 1 to 64
    unsigned every_s = 0;    ///< seconds between two rounds, at least 10; 0: one round
};

/// Fetches from every gateway what the store lacks, through the running receiver where there is
/// one; once, or round after round until SIGTERM or SIGINT. EX_TEMPFAIL when a gateway of the last
/// round could not be finished.
[[nodiscard]] int run_pull(const PullOptions& options, Language language);
/// Prints the sites: asks the running receiver, or opens the store when there is none.
[[nodiscard]] int run_list(const std::string& store, bool as_json, Language language);
/// Writes a copy of the store that anyone can query, while the receiver runs or without it.
[[nodiscard]] int run_copy(const std::string& store, const std::string& target, Language language);
/// Makes a token for `site` and prints it to standard output, with a word of advice to standard
/// error unless `is_quiet`.
[[nodiscard]] int run_token(const std::string& tokens_file, const std::string& site, bool is_quiet,
                            Language language);
/// Says that the store was restored from a backup. The receiver must not run.
[[nodiscard]] int run_restored(const std::string& store, Language language);

}  // namespace gerbang::province
