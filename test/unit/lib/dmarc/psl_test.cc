// The public suffix list's own test.
#include <fstream>

#include "lib/dkim/signature.h"
#include "lib/dmarc/public_suffix.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/shared_data.h"

namespace {

// "'x'" -> x, "null" -> nothing.
std::optional<std::string> quoted(std::string_view word) {
    word = text::trim(word);
    if (word.size() >= 2 && word.front() == '\'' && word.back() == '\'')
        return std::string(word.substr(1, word.size() - 2));
    return std::nullopt;
}

}  // namespace

TEST_CASE("registrable domains as the list's test has them", "[dmarc][psl]") {
    const auto path = test::find_conformance("psl/test_psl.txt");
    if (path.empty()) {
        WARN("skipped: shared/conformance/psl is not there");
        return;
    }
    const dmarc::PublicSuffixes suffixes;
    std::ifstream file(path);
    std::string line;
    std::size_t cases = 0;
    while (std::getline(file, line)) {
        constexpr std::string_view kCall = "checkPublicSuffix(";
        if (!line.starts_with(kCall))
            continue;
        const std::size_t comma = line.find(','), end = line.rfind(')');
        const auto domain = quoted(std::string_view(line).substr(kCall.size(), comma - kCall.size()));
        const auto wanted = quoted(std::string_view(line).substr(comma + 1, end - comma - 1));
        ++cases;
        if (!domain)
            continue;  // null in, null out: a std::string cannot ask that
        INFO(line);
        const auto name = dkim::to_a_labels(*domain);
        // A leading dot is no domain name; it never reaches the list.
        const auto found = name ? suffixes.registrable_domain(*name) : std::nullopt;
        const auto wanted_name = wanted ? dkim::to_a_labels(*wanted) : std::nullopt;
        CHECK(found == wanted_name);
    }
    CHECK(cases > 70);
}

TEST_CASE("I12: nobody is aligned at a public suffix", "[dmarc]") {
    const dmarc::PublicSuffixes suffixes;
    CHECK(suffixes.organizational_domain("mail.bank.co.uk") == "bank.co.uk");
    CHECK(suffixes.organizational_domain("evil.co.uk") == "evil.co.uk");
    CHECK(suffixes.organizational_domain("co.uk") == "co.uk");
    CHECK(suffixes.organizational_domain("a.b.example.test") == "example.test");
    CHECK(suffixes.organizational_domain("localhost") == "localhost");
}
