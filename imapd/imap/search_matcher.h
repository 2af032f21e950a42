// imapd/imap/search_matcher.h - does a message match the keys of SEARCH?
//
// Cheap keys are tried before those that open the message; what was read for one key is kept for the others.
//
// Standards   RFC 3501, 6.4.4
// Trust       keys come from the client, texts from strangers; conversion is bounded by kMaxPartText.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/imap/session.h"
#include "lib/imap/search.h"

namespace imapd {

inline constexpr std::size_t kMaxPartText = 16 * 1024 * 1024;  // of one part that is looked through

class SearchMatcher {
  public:
    // The keys' texts are brought into the form in which texts compare. Nothing if the charset is unknown.
    static std::optional<SearchMatcher> make(Session& session, imap::Search search);

    // A message that has gone meanwhile matches nothing; other trouble is a Failure.
    store::Result<bool> matches(std::uint32_t number);

  private:
    SearchMatcher(Session& session, imap::SearchKey key);

    struct Known;  // what was read of the message at hand
    bool test(const imap::SearchKey& key, Known& known);
    bool test_all(const imap::SearchKey& key, Known& known);
    bool test_recent(const imap::SearchKey& key, Known& known);
    bool test_size(const imap::SearchKey& key, Known& known);
    bool test_set(const imap::SearchKey& key, Known& known);
    bool test_group(const imap::SearchKey& key, Known& known);
    bool test_date(const imap::SearchKey& key, Known& known);
    bool test_header(const imap::SearchKey& key, Known& known);
    bool test_subject(const imap::SearchKey& key, Known& known);
    bool test_text(const imap::SearchKey& key, Known& known);
    bool test_flag(const imap::SearchKey& key, Known& known);
    std::string_view header(Known& known);
    void prepare(imap::SearchKey& key, const std::string& charset);

    Session& session_;
    imap::SearchKey key_;
    std::vector<std::vector<imap::Range>> resolved_;  // sequence sets, numbered by key.resolved
};

}  // namespace imapd
