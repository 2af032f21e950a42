// lib/imap/command.h - tag, name, and the arguments of commands that need no grammar of their own.
//
// Items of STORE and STATUS are rows of command.cc; which of them are legal, lib/imap/extension.h says.
//
// Standards   RFC 3501, 6 and 9; RFC 6851 (MOVE); RFC 2971 (ID); RFC 4959 (SASL-IR); RFC 5161 (ENABLE)
// Failure     split_command() gives the tag it could read, "*" if none, with the reason. The
//             parse_ functions throw SyntaxError.
// Trust       comes from strangers; the caller bounds the text, lists are bounded here.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/imap/cursor.h"
#include "lib/imap/extension.h"
#include "lib/imap/sequence_set.h"

namespace imap {

inline constexpr std::size_t kMaxFlags = 100;
inline constexpr std::size_t kMaxStatusItems = 20;

struct Command {
    std::string tag;
    std::string name;       // upper case; "UID FETCH" for the UID forms
    std::string_view args;  // after the space that follows the name; a view into the text
    bool has_args = false;
};

struct BadCommand {
    std::string tag;  // "*" if there was no legal one
    std::string reason;
};

std::expected<Command, BadCommand> split_command(std::string_view text);

enum class StoreMode { replace, add, remove };

struct StoreArgs {
    SequenceSet set;
    StoreMode mode = StoreMode::replace;
    bool silent = false;
    std::vector<std::string> flags;
};
StoreArgs parse_store(std::string_view args, const Extensions& offered);
std::vector<std::string_view> store_words();

struct CopyArgs {
    SequenceSet set;
    std::string mailbox;
};
CopyArgs parse_copy(std::string_view args);

// What stands before the message in APPEND. The text ends with the announcement of a literal.
struct AppendArgs {
    std::string mailbox;
    std::vector<std::string> flags;
    std::optional<std::int64_t> date;  // seconds since 1970
};

// Nothing if the literal at the end is the mailbox name, so that the command is not there yet.
std::optional<AppendArgs> parse_append(std::string_view args);

enum class StatusItem { messages, recent, uid_next, uid_validity, unseen, size };

struct StatusArgs {
    std::string mailbox;
    std::vector<StatusItem> items;
};
StatusArgs parse_status(std::string_view args, const Extensions& offered);
std::vector<std::string_view> status_words();
std::string_view status_word(StatusItem item);

// SELECT and EXAMINE: parameters are legal where an extension brings them.
struct SelectArgs {
    std::string mailbox;
};
SelectArgs parse_select(std::string_view args);

// ENABLE: names of capabilities, in upper case.
std::vector<std::string> parse_enable(std::string_view args);

struct ListArgs {
    std::string reference;
    std::string pattern;
};
ListArgs parse_list(std::string_view args);

// `count` astrings and nothing more: SELECT 1, RENAME 2, LOGIN 2.
std::vector<std::string> parse_astrings(std::string_view args, std::size_t count);

struct AuthenticateArgs {
    std::string mechanism;                        // upper case
    std::optional<std::string> initial_response;  // still base64; "=" means empty
};
AuthenticateArgs parse_authenticate(std::string_view args);

// ID: the client's fields, empty for NIL.
std::vector<std::pair<std::string, std::optional<std::string>>> parse_id(std::string_view args);

std::vector<std::string> parse_flag_list(Cursor& cursor);

}  // namespace imap
