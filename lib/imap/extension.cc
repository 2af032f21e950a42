#include "lib/imap/extension.h"

#include "lib/text/text.h"

namespace imap {
namespace {

// clang-format off
constexpr Extension kExtensions[] = {
    {.name = "IMAP4rev1",  // RFC 3501
     .command = "APPEND, AUTHENTICATE, CAPABILITY, CHECK, CLOSE, COPY, CREATE, DELETE, EXAMINE, EXPUNGE, FETCH, LIST, LOGIN, "
                "LOGOUT, LSUB, NOOP, RENAME, SEARCH, SELECT, STATUS, STORE, SUBSCRIBE, UID COPY, UID FETCH, UID SEARCH, "
                "UID STORE, UNSUBSCRIBE",
     .fetch = "ALL, FAST, FULL, FLAGS, UID, INTERNALDATE, RFC822.SIZE, RFC822, RFC822.HEADER, RFC822.TEXT, ENVELOPE, BODY, "
              "BODY.PEEK, BODYSTRUCTURE",
     .search = "ALL, ANSWERED, BCC, BEFORE, BODY, CC, DELETED, DRAFT, FLAGGED, FROM, HEADER, KEYWORD, LARGER, NEW, NOT, OLD, "
               "ON, OR, RECENT, SEEN, SENTBEFORE, SENTON, SENTSINCE, SINCE, SMALLER, SUBJECT, TEXT, TO, UID, UNANSWERED, "
               "UNDELETED, UNDRAFT, UNFLAGGED, UNKEYWORD, UNSEEN",
     .store = "FLAGS, FLAGS.SILENT",
     .status = "MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN",
     .attribute = "\\Noselect",
     .code = "BADCHARSET, CAPABILITY, PERMANENTFLAGS, READ-ONLY, READ-WRITE, TRYCREATE, UIDNEXT, UIDVALIDITY, UNSEEN"},
    {.name = "LITERAL+"},                                                                  // RFC 7888; see literal.h
    {.name = "ID", .command = "ID"},                                                       // RFC 2971
    {.name = "IDLE", .command = "IDLE"},                                                   // RFC 2177
    {.name = "NAMESPACE", .command = "NAMESPACE"},                                         // RFC 2342
    {.name = "UIDPLUS", .command = "UID EXPUNGE", .code = "APPENDUID, COPYUID"},           // RFC 4315
    {.name = "MOVE", .command = "MOVE, UID MOVE"},                                         // RFC 6851
    {.name = "UNSELECT", .command = "UNSELECT"},                                           // RFC 3691
    {.name = "CHILDREN", .attribute = "\\HasChildren, \\HasNoChildren"},                   // RFC 3348
    {.name = "SPECIAL-USE",                                                                // RFC 6154
     .attribute = "\\All, \\Archive, \\Drafts, \\Flagged, \\Junk, \\Sent, \\Trash"},
    {.name = "ENABLE", .command = "ENABLE"},                                               // RFC 5161
    {.name = "STATUS=SIZE", .status = "SIZE"},                                             // RFC 8438
    {.name = "SASL-IR", .said = Said::before_login},                                       // RFC 4959
    {.name = "STARTTLS", .said = Said::before_tls, .command = "STARTTLS"},                 // RFC 3501, 6.2.1
    {.name = "LOGINDISABLED", .said = Said::no_plaintext},                                 // RFC 3501, 7.2.1
    {.name = "response codes", .said = Said::never,                                        // RFC 5530; TOOBIG is RFC 4469's
     .code = "ALREADYEXISTS, AUTHENTICATIONFAILED, CANNOT, EXPUNGEISSUED, LIMIT, NONEXISTENT, OVERQUOTA, PRIVACYREQUIRED, "
             "TOOBIG, UNAVAILABLE"},
};
// clang-format on
static_assert(std::size(kExtensions) <= 64, "Extensions keeps a bit for each row");

std::string_view take_word(std::string_view& list) {
    std::size_t end = list.find(", ");
    std::string_view word = list.substr(0, end);
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 2);
    return word;
}

bool contains_word(std::string_view list, std::string_view wanted) {
    while (!list.empty()) {
        if (text::equal_ignoring_case(take_word(list), wanted))
            return true;
    }
    return false;
}

bool is_said(const Extension& extension, const Moment& moment) {
    switch (extension.said) {
    case Said::always: return true;
    case Said::before_login: return !moment.logged_in;
    case Said::before_tls: return !moment.logged_in && moment.can_start_tls;
    case Said::no_plaintext: return !moment.logged_in && !moment.takes_plaintext;
    case Said::never: break;
    }
    return false;
}

constexpr std::uint64_t bit(std::size_t row) { return std::uint64_t{1} << row; }

}  // namespace

std::string_view Extension::words(Place place) const {
    switch (place) {
    case Place::command: return command;
    case Place::select: return select;
    case Place::fetch: return fetch;
    case Place::search: return search;
    case Place::store: return store;
    case Place::status: return status;
    case Place::attribute: return attribute;
    case Place::code: break;
    }
    return code;
}

std::span<const Extension> extensions() { return kExtensions; }

std::string Extensions::capabilities(const Moment& moment) const {
    std::string said;
    for (std::size_t row = 0; row < table_.size(); ++row) {
        if ((withdrawn_ & bit(row)) || !is_said(table_[row], moment))
            continue;
        if (!said.empty())
            said += ' ';
        said += table_[row].name;
    }
    return said;
}

bool Extensions::allows(Place place, std::string_view word) const {
    for (std::size_t row = 0; row < table_.size(); ++row) {
        bool offered = !(withdrawn_ & bit(row)) && (!table_[row].needs_enable || (enabled_ & bit(row)));
        if (offered && contains_word(table_[row].words(place), word))
            return true;
    }
    return false;
}

bool Extensions::enable(std::string_view name) {
    for (std::size_t row = 0; row < table_.size(); ++row) {
        if ((withdrawn_ & bit(row)) || !table_[row].needs_enable || !text::equal_ignoring_case(table_[row].name, name))
            continue;
        enabled_ |= bit(row);
        return true;
    }
    return false;
}

void Extensions::withdraw(std::string_view name) {
    for (std::size_t row = 0; row < table_.size(); ++row) {
        if (table_[row].name == name)
            withdrawn_ |= bit(row);
    }
}

std::vector<std::string_view> words_of(Place place) {
    std::vector<std::string_view> words;
    for (const Extension& extension : kExtensions) {
        std::string_view list = extension.words(place);
        while (!list.empty())
            words.push_back(take_word(list));
    }
    return words;
}

}  // namespace imap
