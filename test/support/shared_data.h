// test/support/shared_data.h - finds collected conformance data that lives beside the source tree, not in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace test {

// ../shared/conformance/NAME, looked for upwards from the working directory; empty where it is absent. A test that gets
// an empty path says WARN("skipped: ...") and returns.
inline std::filesystem::path find_conformance(std::string_view name) {
    namespace fs = std::filesystem;
    for (fs::path folder = fs::current_path(); folder != folder.root_path(); folder = folder.parent_path()) {
        fs::path candidate = folder / "shared" / "conformance" / name;
        if (fs::exists(candidate))
            return candidate;
    }
    return {};
}

}  // namespace test
