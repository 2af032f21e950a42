// lib/imap/extension.h - what the suite's IMAP server can do: one row for each capability, and who derives from it.
//
//     Extensions offered;                                        // all of them
//     offered.capabilities({.logged_in = true})                  // "IMAP4rev1 LITERAL+ ID ..."
//     offered.allows(Place::status, "SIZE")                      // may STATUS ask for it?
//     offered.enable("CONDSTORE")                                // ENABLE
//
// A row says how CAPABILITY calls it and when, whether a client must ENABLE it first, and every word that it brings into the
// language. A word is understood, and a response code said, only where an offered row brings it: so the grammar's tables
// (fetch.cc, search.cc, command.cc) and the session's table of commands say how a word is read and what it does, and this
// table whether. test/unit holds the two to each other.
//
// Standards   RFC 3501, 7.2.1; RFC 5161 (ENABLE)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imap {

// Where in the language a word stands.
enum class Place {
    command,    // "UID EXPUNGE" is one
    select,     // parameters of SELECT and EXAMINE
    fetch,      // data items of FETCH
    search,     // keys of SEARCH
    store,      // data items of STORE
    status,     // data items of STATUS
    attribute,  // of a mailbox in LIST
    code,       // response codes
};

// When CAPABILITY says it.
enum class Said {
    always,
    before_login,
    before_tls,    // while TLS can be started
    no_plaintext,  // while passwords are not taken
    never,         // words that need no capability
};

struct Extension {
    std::string_view name;
    Said said = Said::always;
    bool needs_enable = false;
    // Words with ", " between them.
    std::string_view command = "", select = "", fetch = "", search = "", store = "", status = "", attribute = "", code = "";

    std::string_view words(Place place) const;
};

std::span<const Extension> extensions();

// What the connection is like when CAPABILITY is asked.
struct Moment {
    bool logged_in = false;
    bool can_start_tls = false;
    bool takes_plaintext = true;
};

// Which rows a session has. Small; copied into each session.
class Extensions {
  public:
    // All rows of a table; another table is for tests.
    explicit Extensions(std::span<const Extension> table = extensions()) : table_(table) {}

    // For the words of CAPABILITY, without AUTH=, which depends on the mechanisms.
    std::string capabilities(const Moment& moment) const;

    // True where an offered row brings the word, and it was enabled if it must be. Case does not count.
    bool allows(Place place, std::string_view word) const;

    // ENABLE: true if this was a row that needs it and is offered; words that are none are passed over (RFC 5161, 3.1).
    bool enable(std::string_view name);

    // Does not offer it.
    void withdraw(std::string_view name);

  private:
    std::span<const Extension> table_;
    std::uint64_t withdrawn_ = 0, enabled_ = 0;  // a bit for each row
};

// The words that some row brings to this place.
std::vector<std::string_view> words_of(Place place);

}  // namespace imap
