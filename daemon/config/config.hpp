#pragma once

// YAML to `Config`: one schema table drives validation, defaults and the reference.

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/language.hpp"
#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "common/core/units.hpp"
#include "common/model/ladder.hpp"

namespace gerbang {

struct PushTargetConfig {
    std::string name;  ///< consumer name, `[a-z0-9-]{1,64}`
    std::string url;   ///< https://host[:port]; http to loopback only unless `allow_plain`
    std::string ca_file;
    std::string token_file;
    std::string cert_file;
    std::string key_file;
    bool allow_plain = false;
    Millis interval{120000};     ///< between fresh batches while the link is up
    Bytes max_body{256u << 10};  ///< at most this much per request
    BitRate max_rate;            ///< at most this fast, all requests together; 0: no limit
    /// A Prometheus, VictoriaMetrics or the like in place of a province.
    bool is_remote_write = false;
    std::string path = "/api/v1/write";  ///< with it
    Millis max_age{};                    ///< with it: older samples are not sent; 0: all are
    bool in_order = true;                ///< with it: the oldest first, else the new first
};

/// A server that may fetch the records.
struct PullerConfig {
    std::string name;         ///< consumer name, `[a-z0-9-]{1,64}`; no push target has it
    std::string token_file;   ///< its bearer token, one line; empty: none
    std::string certificate;  ///< common name of its client certificate; empty: none
};

struct ProbeTargetConfig {
    std::string name;
    std::string address;
    std::uint16_t tcp_port = 443;
    bool is_domestic = true;  ///< group of the ladder: else international
};

/// A service of the province that is watched beside the internet itself.
struct ServiceConfig {
    std::string name;  ///< `[a-z0-9-]{1,32}`; its link is "service-" and this
    std::string url;   ///< http or https, with or without a path; never a password
};

/// Everything the daemon is told. Defaults are those of the schema table.
struct Config {
    struct {
        std::string id = "unassigned";  ///< meters, says so, neither pushes nor serves pulls
        std::string code;
        std::string name;
        Seconds utc_offset{8 * 3600};
    } site;
    Language lang = Language::indonesian;
    struct {
        std::string wan = "auto";         ///< "auto": the default route's interface
        std::vector<std::string> lan;     ///< empty: by kind (bridge and wired, not WAN)
        std::vector<std::string> wifi;    ///< empty: by kind (wireless)
        std::vector<std::string> ignore;  ///< never metered
    } interfaces;
    struct {
        NextHop next_hop = NextHop::automatic;
        std::string modem_address;  ///< numeric; empty: the default route's gateway
    } wan;
    struct {
        Millis tick{10000};    ///< 1 s - 5 min
        Millis commit{60000};  ///< 10 s - 15 min, a multiple of tick
    } metering;
    struct {
        Bytes quota{};                  ///< of everything in the state folder; 0: by free space
        Bytes daily_writes{32u << 20};  ///< a day that hands more to write calls is warned of
        bool stretch_commits = false;   ///< commits may come later to stay within `daily_writes`
    } journal;
    struct {
        bool enabled = true;
        Millis interval{10000};
        Millis doubt_interval{3000};
        Millis timeout{2500};
        unsigned failures = 3;
        std::vector<ProbeTargetConfig> targets;  ///< default: two public resolvers' addresses
        std::vector<std::string> resolvers;      ///< numeric, at most 4; empty: of resolv.conf
        std::string dns_name;                    ///< asked for A records; never empty
        std::vector<std::string> dns_expect;     ///< one must be in the answer; empty: any
        std::string web_url;         ///< http, so that a portal can show itself; empty: not asked
        unsigned web_status = 204;   ///< what the page answers, 100-599; another: a portal
        Millis web_interval{60000};  ///< 10 s - 1 h
    } probe;
    struct {
        std::string address;  ///< numeric, of the access point; empty: the LAN's carrier tells
    } hotspot;
    std::vector<ServiceConfig> services;  ///< at most 8
    struct {
        /// Supply whose input tells that there is mains: a name in /sys/class/power_supply, "auto"
        /// (any of kind mains or ups) or "none".
        std::string mains = "auto";
    } power;
    struct {
        std::string name, product, medium, customer_number, helpdesk;
        BitRate down, up;
    } provider;
    struct {
        std::vector<PushTargetConfig> targets;
    } sync;
    /// Pull: without pullers nothing listens on the network.
    struct {
        std::vector<std::string> interfaces;  ///< where it listens; nowhere else
        std::uint16_t port = 8621;
        std::string cert_file;       ///< PEM of this gateway; empty only with `allow_plain`
        std::string key_file;        ///< of that certificate
        std::string client_ca_file;  ///< signs the pullers' certificates
        bool allow_plain = false;    ///< the tunnel encrypts
        std::vector<PullerConfig> pullers;
    } serve;
    struct {
        bool trust_system = false;  ///< operator's word that the system clock is right
    } clock;
    std::string log_level = "info";

    [[nodiscard]] bool is_assigned() const { return site.id != "unassigned"; }
};

/// One mistake, with its place and its remedy, in the reader's language.
struct ConfigProblem {
    std::string file;
    int line = 0;  ///< from 1; 0 when the file as a whole is meant
    int column = 0;
    std::string path;     ///< "sync.targets[0].interval"
    std::string message;  ///< "expected a duration such as 10s; got 10 (did you mean \"10s\"?)"

    /// `file:line:column: path: message`
    [[nodiscard]] std::string text() const;
};

struct LoadedConfig {
    Config config;
    std::vector<ConfigProblem> problems;  ///< empty: `config` may be used
};

/// Reads `file` and then `conf.d/*.yaml` beside it in name order (later files override scalars and
/// lists; each file at most 64 KiB, depth 8). Finds all mistakes in one run. `language` is used
/// for messages unless the file sets `lang` and `file_may_choose`; `Config::lang` is what was used.
[[nodiscard]] LoadedConfig load_config(const std::string& file, Language language,
                                       bool file_may_choose = true);
/// The same for one text; `name` stands for the file in messages.
[[nodiscard]] LoadedConfig parse_config(const std::string& text, const std::string& name,
                                        Language language, bool file_may_choose = true);

/// Why a file cannot be read, from `errno`, with the next step where there is one.
[[nodiscard]] std::string unreadable_reason(int error, Language language);

/// The reference of every key: path, form, default, range, meaning. Markdown, from the schema.
[[nodiscard]] std::string config_reference(Language language);

}  // namespace gerbang
