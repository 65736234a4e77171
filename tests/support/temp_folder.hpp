#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "common/core/check.hpp"

namespace gerbang {

/// A folder of the test's own, in RAM where there is /dev/shm (a month of virtual commits would
/// wait minutes for a real disk), removed with everything in it at the end of its life.
class TempFolder {
public:
    TempFolder() {
        std::error_code ignored;
        const auto parent = std::filesystem::is_directory("/dev/shm", ignored)
                                ? std::filesystem::path{"/dev/shm"}
                                : std::filesystem::temp_directory_path();
        std::string name = (parent / "gerbang-test-XXXXXX").string();
        GERBANG_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

}  // namespace gerbang
