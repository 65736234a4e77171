#include <sys/stat.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <string>

#include "daemon/province/commands.hpp"

using namespace gerbang;
using namespace gerbang::province;

int main(int argc, char** argv) {
    ::umask(0027);  // the store holds customer numbers; its group may read copies
    CLI::App app{"gerbang-province: menerima data gerbang desa / receives the villages' records",
                 "gerbang-province"};
    app.require_subcommand(1);
    std::string language_name = "id";
    app.add_option("--lang", language_name, "id | en")->check(CLI::IsMember({"id", "en"}));
    app.set_config("--config", "", "Berkas TOML dengan bagian [receive] / TOML file, [receive]");
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.fallthrough();

    ReceiveOptions receive;
    auto* receive_command =
        app.add_subcommand("receive", "Menerima data sampai SIGTERM / receive until SIGTERM");
    receive_command->add_option("--listen", receive.listen, "ADDRESS:PORT (numeric)")
        ->capture_default_str();
    receive_command->add_option("--store", receive.store, "SQLite")->capture_default_str();
    receive_command->add_option("--tls-cert", receive.tls_cert, "PEM");
    receive_command->add_option("--tls-key", receive.tls_key, "PEM");
    receive_command->add_option("--client-ca", receive.client_ca,
                                "PEM; CN sertifikat = site id / certificate CN = site id");
    receive_command->add_option("--tokens", receive.tokens, "berkas token / file of tokens");
    receive_command->add_flag("--trust-network", receive.trust_network,
                              "tanpa TLS atau token, hanya jaringan uji\n"
                              "no TLS or tokens, test networks only");
    receive_command->add_flag("--verbose", receive.verbose, "log setiap batch / log every batch");

    PullOptions pull;
    auto* pull_command =
        app.add_subcommand("pull", "Mengambil data dari gateway / fetch from the gateways");
    pull_command->add_option("--gateways", pull.gateways, "daftar gateway / list of gateways")
        ->capture_default_str();
    pull_command->add_option("--store", pull.store, "SQLite")->capture_default_str();
    pull_command->add_option("--parallel", pull.parallel, "1-64")->capture_default_str();
    pull_command->add_option("--every", pull.every_s,
                             "detik antara dua putaran; 0: sekali\n"
                             "seconds between two rounds; 0: once");

    std::string store = receive.store;
    bool as_json = false;
    auto* list_command = app.add_subcommand("list", "Daftar situs / list the sites");
    list_command->add_option("--store", store, "SQLite")->capture_default_str();
    list_command->add_flag("--json", as_json, "JSON");

    std::string target;
    auto* copy_command =
        app.add_subcommand("copy", "Salinan untuk sqlite3 / a copy to be queried with sqlite3");
    copy_command->add_option("--store", store, "SQLite")->capture_default_str();
    copy_command->add_option("target", target, "berkas baru / new file")->required();

    std::string site;
    std::string tokens = "/etc/gerbang-province/tokens";
    auto* token_command =
        app.add_subcommand("token", "Token baru untuk satu situs / a new token for a site");
    token_command->add_option("site", site, "site.id")->required();
    token_command->add_option("--tokens", tokens, "berkas token / file of tokens")
        ->capture_default_str();

    bool is_quiet = false;
    token_command->add_flag("--quiet", is_quiet, "token saja / the token alone");

    auto* restored_command = app.add_subcommand(
        "restored", "Setelah pulih dari cadangan / after a restore from a backup");
    restored_command->add_option("--store", store, "SQLite")->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? EX_OK : EX_USAGE;
    }
    const auto language = language_name == "en" ? Language::english : Language::indonesian;
    if (*receive_command) return run_receive(receive);
    if (*pull_command) return run_pull(pull, language);
    if (*list_command) return run_list(store, as_json, language);
    if (*copy_command) return run_copy(store, target, language);
    if (*token_command) return run_token(tokens, site, is_quiet, language);
    return run_restored(store, language);
}
