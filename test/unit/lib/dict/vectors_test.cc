// test/unit/lib/dict/vectors_test.cc - tables and answers of another mail system, where its data is at hand beside
// this source tree (../shared/conformance/postfix-vectors); skipped, and said so, where it is not.
#include <filesystem>
#include <fstream>
#include <map>

#include "lib/dict/table.h"
#include "lib/question/alone.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"

namespace {

namespace fs = std::filesystem;

// The answers in a .ref file: after "> get KEY" comes "KEY=value" or "KEY: not found".
std::vector<std::pair<std::string, std::optional<std::string>>> read_answers(const fs::path& path) {
    std::vector<std::pair<std::string, std::optional<std::string>>> answers;
    std::ifstream file(path);
    std::string line;
    std::string key;
    while (std::getline(file, line)) {
        if (line.starts_with("> get ")) {
            key = line.substr(6);
        } else if (!key.empty() && line.starts_with(key)) {
            if (line.substr(key.size()) == ": not found")
                answers.emplace_back(key, std::nullopt);
            else if (line[key.size()] == '=')
                answers.emplace_back(key, line.substr(key.size() + 1));
            key.clear();
        }
    }
    return answers;
}

}  // namespace

TEST_CASE("tables answer as in the collected vectors", "[dict]") {
    fs::path vectors = test::find_conformance("postfix-vectors");
    if (vectors.empty()) {
        WARN("skipped: ../shared/conformance/postfix-vectors is not here");
        return;
    }
    for (const char* type : {"cidr", "pcre", "regexp"}) {
        std::string base = (vectors / ("dict_" + std::string(type))).string();
        auto table = dict::Table::open(std::string(type) + ":" + base + ".map");
        REQUIRE(table);
        auto answers = read_answers(base + ".ref");
        CHECK(answers.size() > 5);
        for (const auto& [key, want] : answers) {
            CAPTURE(type, key);
            question::Alone alone;
            dict::Answer answer = alone.wait((*table)->lookup(alone.asker(), key));
            REQUIRE(answer);
            CHECK(*answer == want);
        }
    }
}
