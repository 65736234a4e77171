#include <algorithm>
#include <utility>

#include "daemon/config/schema.hpp"
#include "daemon/config/walker.hpp"

namespace gerbang::config {
namespace {

/// Complaints about combinations, placed at the key that should change.
class Checker {
public:
    explicit Checker(Walked& walked) : walked_{&walked} {}

    /// True when every one of `paths` was understood, so that a conclusion may rest on it.
    bool understood(std::initializer_list<std::string> paths) const {
        return std::none_of(paths.begin(), paths.end(), [&](const std::string& path) {
            return walked_->bad_paths.count(path) > 0;
        });
    }

    void complain(const std::string& path, Said message) {
        // A key left at its default has no place of its own: show the nearest section that has.
        auto place = path;
        auto found = walked_->origins.find(place);
        while (found == walked_->origins.end() && place.find('.') != std::string::npos) {
            place = place.substr(0, place.rfind('.'));
            found = walked_->origins.find(place);
        }
        const Origin origin = found == walked_->origins.end() ? Origin{} : found->second;
        walked_->complain(origin.file, origin.at, path, std::move(message));
    }

    bool is_set(const std::string& path) const { return walked_->origins.count(path) > 0; }

private:
    Walked* walked_;
};

std::string written(Millis value) {
    return write_value(Form::duration, value.count());
}

void check_metering(const Config& config, Checker& check) {
    if (!check.understood({"metering.tick", "metering.commit"})) return;
    const auto tick = config.metering.tick;
    const auto commit = config.metering.commit;
    if (commit.count() % tick.count() == 0) return;
    const auto path = check.is_set("metering.commit") ? "metering.commit" : "metering.tick";
    check.complain(
        path,
        {"commit (" + written(commit) + ") harus kelipatan dari tick (" + written(tick) + ")",
         "commit (" + written(commit) + ") must be a multiple of tick (" + written(tick) + ")"});
}

void check_probe(const Config& config, Checker& check) {
    const auto& probe = config.probe;
    if (check.understood({"probe.timeout", "probe.doubt_interval"}) &&
        probe.timeout > probe.doubt_interval) {
        check.complain(
            check.is_set("probe.timeout") ? "probe.timeout" : "probe.doubt_interval",
            {"timeout (" + written(probe.timeout) +
                 ") tidak boleh lebih lama dari "
                 "doubt_interval (" +
                 written(probe.doubt_interval) + ")",
             "timeout (" + written(probe.timeout) + ") must not be longer than doubt_interval (" +
                 written(probe.doubt_interval) + ")"});
    }
    if (check.understood({"probe.interval", "probe.doubt_interval"}) &&
        probe.doubt_interval > probe.interval) {
        check.complain(
            check.is_set("probe.doubt_interval") ? "probe.doubt_interval" : "probe.interval",
            {"doubt_interval (" + written(probe.doubt_interval) +
                 ") tidak boleh lebih lama dari "
                 "interval (" +
                 written(probe.interval) + ")",
             "doubt_interval (" + written(probe.doubt_interval) +
                 ") must not be longer than interval (" + written(probe.interval) + ")"});
    }
    if (probe.enabled && probe.targets.empty() && check.understood({"probe.targets"})) {
        check.complain("probe.targets", {"paling sedikit satu tujuan, atau probe.enabled: false",
                                         "expected at least one target, or probe.enabled: false"});
    }
}

void check_ladder(Config& config, Checker& check) {
    auto& probe = config.probe;
    // The addresses that are expected by default are those of the default name alone.
    if (check.is_set("probe.dns_name") && !check.is_set("probe.dns_expect") &&
        probe.dns_name != find_key("probe.dns_name")->default_text) {
        probe.dns_expect.clear();
    }
    if (probe.web_url.rfind("https://", 0) == 0 && check.understood({"probe.web_url"})) {
        check.complain("probe.web_url",
                       {"harus http: lewat https halaman blokir penyedia tidak dapat terlihat",
                        "expected http: over https a provider's portal cannot show itself"});
    }
    if (config.wan.next_hop == NextHop::none && !config.wan.modem_address.empty() &&
        check.understood({"wan.next_hop", "wan.modem_address"})) {
        check.complain("wan.modem_address", {"tidak berarti bersama next_hop: none",
                                             "means nothing together with next_hop: none"});
    }
}

/// Each of `names` once; `path` is the list's.
void check_unique(const std::vector<std::string>& names, const std::string& path, Checker& check) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto first = std::find(names.begin(), names.end(), names[i]) - names.begin();
        if (names[i].empty() || static_cast<std::size_t>(first) == i) continue;
        check.complain(path + "[" + std::to_string(i) + "].name",
                       {"nama \"" + names[i] + "\" sudah dipakai di atas",
                        "the name \"" + names[i] + "\" is taken above"});
    }
}

void check_sync_target(const PushTargetConfig& target, const std::string& path, Checker& check) {
    const auto url = path + ".url";
    if (!target.url.empty() && check.understood({path, url, path + ".allow_plain"})) {
        const bool is_tls = target.url.rfind("https://", 0) == 0;
        if (!is_tls && !target.allow_plain && !is_loopback_url(target.url)) {
            check.complain(url, {"harus https; http hanya ke mesin ini sendiri atau dengan "
                                 "allow_plain: true (maksud Anda \"https" +
                                     target.url.substr(4) + "\"?)",
                                 "expected https; http only to this machine itself or with "
                                 "allow_plain: true (did you mean \"https" +
                                     target.url.substr(4) + "\"?)"});
        }
        if (is_tls && target.ca_file.empty() && check.understood({path + ".ca_file"})) {
            check.complain(url, {"untuk https, ca_file wajib ada",
                                 "the key \"ca_file\" is required for https"});
        }
    }
    if (target.path.rfind('/', 0) != 0 || target.path.size() > 256 ||
        target.path.find_first_of(" \t\r\n#") != std::string::npos) {
        check.complain(path + ".path", {"jalur harus mulai dengan \"/\", tanpa spasi",
                                        "a path begins with \"/\" and has no blanks"});
    }
    if (target.cert_file.empty() != target.key_file.empty() &&
        check.understood({path + ".cert_file", path + ".key_file"})) {
        const bool has_cert = !target.cert_file.empty();
        check.complain(path + (has_cert ? ".cert_file" : ".key_file"),
                       {"cert_file dan key_file harus ada dua-duanya",
                        "cert_file and key_file belong together; one is missing"});
    }
}

void check_puller(const Config& config, const PullerConfig& puller, const std::string& path,
                  Checker& check) {
    if (!check.understood({path, path + ".token_file", path + ".certificate"})) return;
    if (puller.token_file.empty() && puller.certificate.empty()) {
        check.complain(
            path, {"token_file atau certificate wajib ada", "expected token_file or certificate"});
    }
    if (!puller.certificate.empty() && config.serve.client_ca_file.empty() &&
        check.understood({"serve.client_ca_file"})) {
        check.complain(path + ".certificate",
                       {"butuh serve.client_ca_file", "needs serve.client_ca_file"});
    }
    for (const auto& target : config.sync.targets) {
        if (target.name.empty() || target.name != puller.name) continue;
        check.complain(path + ".name", {"nama ini sudah dipakai di sync.targets",
                                        "this name is taken in sync.targets"});
    }
}

void check_serve(const Config& config, Checker& check) {
    const auto& serve = config.serve;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < serve.pullers.size(); ++i) {
        names.push_back(serve.pullers[i].name);
        check_puller(config, serve.pullers[i], "serve.pullers[" + std::to_string(i) + "]", check);
    }
    check_unique(names, "serve.pullers", check);
    if (serve.cert_file.empty() != serve.key_file.empty() &&
        check.understood({"serve.cert_file", "serve.key_file"})) {
        check.complain(serve.key_file.empty() ? "serve.cert_file" : "serve.key_file",
                       {"cert_file dan key_file harus ada dua-duanya",
                        "cert_file and key_file belong together; one is missing"});
    }
    if (!serve.client_ca_file.empty() && serve.cert_file.empty() &&
        check.understood({"serve.cert_file"})) {
        check.complain("serve.client_ca_file",
                       {"butuh cert_file dan key_file", "needs cert_file and key_file"});
    }
    if (serve.pullers.empty()) return;
    if (serve.interfaces.empty() && check.understood({"serve.interfaces"})) {
        check.complain("serve.interfaces", {"wajib ada bersama pullers, misalnya [wg0]",
                                            "required together with pullers, such as [wg0]"});
    }
    if (serve.cert_file.empty() && !serve.allow_plain &&
        check.understood({"serve.cert_file", "serve.allow_plain"})) {
        check.complain("serve.pullers",
                       {"butuh cert_file dan key_file, atau allow_plain: true di dalam terowongan",
                        "needs cert_file and key_file, or allow_plain: true within a tunnel"});
    }
}

void check_interfaces(const Config& config, Checker& check) {
    const auto& interfaces = config.interfaces;
    std::vector<std::pair<std::string, std::string>> used{{interfaces.wan, "interfaces.wan"}};
    const auto use = [&](const std::vector<std::string>& names, const std::string& path) {
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto taken = std::find_if(used.begin(), used.end(),
                                            [&](const auto& u) { return u.first == names[i]; });
            const auto place = path + "[" + std::to_string(i) + "]";
            if (taken != used.end() && taken->second.rfind(path, 0) != 0) {
                check.complain(check.is_set(place) ? place : path,
                               {names[i] + " sudah dipakai oleh " + taken->second,
                                names[i] + " already belongs to " + taken->second});
            } else {
                used.emplace_back(names[i], path);
            }
        }
    };
    use(interfaces.lan, "interfaces.lan");
    use(interfaces.wifi, "interfaces.wifi");
    use(interfaces.ignore, "interfaces.ignore");
}

}  // namespace

void cross_check(Walked& walked) {
    // A torn file lacks keys that its author did write; conclusions from absence would mislead.
    if (!walked.is_whole) return;
    Checker check{walked};
    check_ladder(walked.config, check);
    const Config& config = walked.config;
    check_metering(config, check);
    check_probe(config, check);
    check_interfaces(config, check);
    std::vector<std::string> names;
    for (const auto& target : config.probe.targets) names.push_back(target.name);
    check_unique(names, "probe.targets", check);
    names.clear();
    for (const auto& service : config.services) names.push_back(service.name);
    check_unique(names, "services", check);
    names.clear();
    for (std::size_t i = 0; i < config.sync.targets.size(); ++i) {
        names.push_back(config.sync.targets[i].name);
        check_sync_target(config.sync.targets[i], "sync.targets[" + std::to_string(i) + "]", check);
    }
    check_unique(names, "sync.targets", check);
    check_serve(config, check);
}

}  // namespace gerbang::config
