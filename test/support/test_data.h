// test/support/test_data.h - finds what tests keep in test/data.
#pragma once

#include <filesystem>
#include <string_view>

namespace test {

// test/data/NAME, looked for upwards from the working directory, which is below the source tree. Empty where it is absent.
inline std::filesystem::path find_data(std::string_view name) {
    namespace fs = std::filesystem;
    for (fs::path folder = fs::current_path(); folder != folder.root_path(); folder = folder.parent_path()) {
        fs::path candidate = folder / "test" / "data" / name;
        if (fs::exists(candidate))
            return candidate;
    }
    return {};
}

}  // namespace test
