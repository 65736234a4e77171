#include "daemon/app/process.hpp"
#include "daemon/app/version.hpp"
#include "daemon/cli/cli.hpp"

int main(int argc, char* argv[]) {
    return gerbang::run_cli(argc, argv, gerbang::run_process, std::string{gerbang::kVersion});
}
