#include "imapd/imap/command_table.h"

namespace imapd {
namespace {

constexpr unsigned kAuthenticated = static_cast<unsigned>(Session::State::authenticated);
constexpr unsigned kSelected = static_cast<unsigned>(Session::State::selected);
constexpr unsigned kAny = kAuthenticated | kSelected;

// clang-format off
constexpr CommandRow kCommands[] = {
    // name            allowed in  arguments  told after it          runs
    {"APPEND",         kAny,       true,      Updates::all,          command_append},
    {"AUTHENTICATE",   0,          true,      Updates::none,         command_login_again},
    {"CAPABILITY",     kAny,       false,     Updates::all,          command_capability},
    {"CHECK",          kSelected,  false,     Updates::all,          command_check},
    {"CLOSE",          kSelected,  false,     Updates::none,         command_close},
    {"COPY",           kSelected,  true,      Updates::all,          command_copy},
    {"CREATE",         kAny,       true,      Updates::all,          command_create},
    {"DELETE",         kAny,       true,      Updates::all,          command_delete},
    {"ENABLE",         kAny,       true,      Updates::all,          command_enable},
    {"EXAMINE",        kAny,       true,      Updates::none,         command_select},
    {"EXPUNGE",        kSelected,  false,     Updates::all,          command_expunge},
    {"FETCH",          kSelected,  true,      Updates::no_expunges,  command_fetch},
    {"ID",             kAny,       true,      Updates::all,          command_id},
    {"IDLE",           kAny,       false,     Updates::all,          command_idle},
    {"LIST",           kAny,       true,      Updates::all,          command_list},
    {"LOGIN",          0,          true,      Updates::none,         command_login_again},
    {"LOGOUT",         kAny,       false,     Updates::none,         command_logout},
    {"LSUB",           kAny,       true,      Updates::all,          command_lsub},
    {"MOVE",           kSelected,  true,      Updates::all,          command_move},
    {"NAMESPACE",      kAny,       false,     Updates::all,          command_namespace},
    {"NOOP",           kAny,       false,     Updates::all,          command_noop},
    {"RENAME",         kAny,       true,      Updates::all,          command_rename},
    {"SEARCH",         kSelected,  true,      Updates::no_expunges,  command_search},
    {"SELECT",         kAny,       true,      Updates::none,         command_select},
    {"STARTTLS",       0,          false,     Updates::none,         command_login_again},
    {"STATUS",         kAny,       true,      Updates::all,          command_status},
    {"STORE",          kSelected,  true,      Updates::no_expunges,  command_store},
    {"SUBSCRIBE",      kAny,       true,      Updates::all,          command_subscribe},
    {"UID COPY",       kSelected,  true,      Updates::all,          command_copy},
    {"UID EXPUNGE",    kSelected,  true,      Updates::all,          command_expunge},
    {"UID FETCH",      kSelected,  true,      Updates::all,          command_fetch},
    {"UID MOVE",       kSelected,  true,      Updates::all,          command_move},
    {"UID SEARCH",     kSelected,  true,      Updates::all,          command_search},
    {"UID STORE",      kSelected,  true,      Updates::all,          command_store},
    {"UNSELECT",       kSelected,  false,     Updates::none,         command_unselect},
    {"UNSUBSCRIBE",    kAny,       true,      Updates::all,          command_subscribe},
};
// clang-format on

}  // namespace

std::span<const CommandRow> commands() { return kCommands; }

const CommandRow* find_command(std::string_view name) {
    for (const CommandRow& row : kCommands) {
        if (row.name == name)
            return &row;
    }
    return nullptr;
}

}  // namespace imapd
