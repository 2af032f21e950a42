#include "imapd/imap/session.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>

#include "imapd/imap/command_table.h"
#include "imapd/sessions/stop_signal.h"
#include "lib/imap/cursor.h"
#include "lib/imap/format.h"
#include "lib/log/log.h"

namespace imapd {
namespace {

constexpr std::size_t kMaxLine = 65536;
constexpr std::uint64_t kMaxDiscarded = 64 * 1024 * 1024;  // of a literal that nobody wants
constexpr int kMaxBadCommands = 20;                        // in a row

std::string_view status_word(Reply::Status status) {
    switch (status) {
    case Reply::Status::ok: return "OK";
    case Reply::Status::no: return "NO";
    case Reply::Status::bad: break;
    }
    return "BAD";
}

// The mailbox that was selected is no more; numbers mean nothing now.
struct MailboxGone {};

struct CommandRefused {
    std::string tag;
    Reply reply;
};

std::string tag_of(std::string_view text) {
    auto command = imap::split_command(text);
    return command ? command->tag : command.error().tag;
}

}  // namespace

Reply Reply::of(const store::Failure& failure) {
    using Kind = store::Failure::Kind;
    std::string text = imap::human_text(failure.text);
    switch (failure.kind) {
    case Kind::not_found: return no("[NONEXISTENT] " + text);
    case Kind::exists: return no("[ALREADYEXISTS] " + text);
    case Kind::bad_name:
    case Kind::not_allowed: return no("[CANNOT] " + text);
    case Kind::limit: return no("[LIMIT] " + text);
    case Kind::no_space: return no("[OVERQUOTA] " + text);
    case Kind::temporary: break;
    }
    logging::warning("{}", failure.text);
    return no("[UNAVAILABLE] The mailbox cannot be used now, try again later");
}

Session::Session(sessions::Wire& wire, std::shared_ptr<store::Account> account, const SessionSettings& settings)
    : wire_(wire), account_(std::move(account)), settings_(settings), extensions_(settings.extensions) {}

Session::~Session() = default;

void Session::run(std::string_view login_tag) {
    try {
        send(login_tag, Reply::ok(fmt::format("[CAPABILITY {}] Logged in", extensions_.capabilities({.logged_in = true}))));
        while (state_ != State::logout)
            serve_command();
        wire_.flush();
    } catch (const MailboxGone&) {
        wire_.write("* BYE The selected mailbox was deleted\r\n");
        wire_.flush();
    } catch (const sessions::Disconnected& error) {
        using Why = sessions::Disconnected::Why;
        try {
            if (error.why == Why::silent)
                wire_.write("* BYE Disconnected for inactivity\r\n");
            else if (error.why == Why::too_long)
                wire_.write("* BYE [TOOBIG] Command line is too long\r\n");
            else if (error.why == Why::stopped)
                wire_.write("* BYE [UNAVAILABLE] The server is going down\r\n");
            sessions::stop_requested = 0;  // the last words are to leave
            if (error.why != Why::left && error.why != Why::deaf)
                wire_.flush();
        } catch (const sessions::Disconnected&) {
            // It left before it was told.
        }
        if (error.why == Why::stopped)
            sessions::stop_requested = 1;
    }
}

void Session::serve_command() {
    open_literal_.reset();
    std::string text;
    try {
        text = read_command();
    } catch (const CommandRefused& refused) {
        send(refused.tag, refused.reply);
        return;
    }
    auto command = imap::split_command(text);
    if (!command) {
        if (open_literal_)
            refuse_rest(*open_literal_);
        send(command.error().tag, Reply::bad(command.error().reason));
        if (++bad_commands_ >= kMaxBadCommands) {
            wire_.write("* BYE Too many invalid commands\r\n");
            state_ = State::logout;
        }
        return;
    }
    bool may_report = true;
    bool expunges = true;
    Reply reply = run_command(*command, may_report, expunges);
    if (open_literal_)
        refuse_rest(*open_literal_);
    bad_commands_ = reply.status == Reply::Status::bad ? bad_commands_ + 1 : 0;
    if (may_report && selected_)
        report(expunges);
    send(command->tag, reply);
    if (bad_commands_ >= kMaxBadCommands) {
        wire_.write("* BYE Too many invalid commands\r\n");
        state_ = State::logout;
    }
    if (selected_)
        selected_->mailbox().rest();
}

Reply Session::run_command(const imap::Command& command, bool& may_report, bool& expunges) {
    const CommandRow* row = find_command(command.name);
    if (!row || !extensions_.allows(imap::Place::command, command.name))
        return Reply::bad("Unknown command");
    expunges = row->updates == Updates::all;
    may_report = row->updates != Updates::none;
    if (row->states != 0 && !(row->states & static_cast<unsigned>(state_)))
        return Reply::bad("No mailbox is selected");
    if (row->takes_arguments && !command.has_args)
        return Reply::bad("Missing argument");
    if (!row->takes_arguments && command.has_args)
        return Reply::bad("This command takes no arguments");
    if (open_literal_ && row->handler != command_append)
        return Reply::bad("Unexpected literal");
    try {
        return row->handler(*this, command);
    } catch (const imap::SyntaxError& error) {
        return Reply::bad(error.what());
    }
}

// Lines and literals in turn until the command is whole. The message of APPEND stays on the wire.
std::string Session::read_command() {
    std::string line(wire_.read_line(kMaxLine));
    std::string text = line;
    for (;;) {
        std::optional<imap::Literal> literal = imap::announced_literal(line);
        if (!literal)
            return text;
        if (literal->overflow) {
            wire_.write("* BYE [TOOBIG] Literal is too large\r\n");
            state_ = State::logout;
            throw CommandRefused{tag_of(text), Reply::bad("[TOOBIG] Literal is too large")};
        }
        auto command = imap::split_command(text);
        if (command && command->name == "APPEND") {
            bool message_next = true;
            try {
                message_next = imap::parse_append(command->args).has_value();
            } catch (const imap::SyntaxError&) {
                // The handler says what is wrong.
            }
            if (message_next) {
                open_literal_ = literal;
                return text;
            }
        }
        if (!take_literal(text, *literal))
            throw CommandRefused{tag_of(text), Reply::no("[TOOBIG] Command is too long")};
        line = wire_.read_line(kMaxLine);
        text += line;
    }
}

bool Session::take_literal(std::string& text, const imap::Literal& literal) {
    if (text.size() + literal.size > settings_.max_command) {
        refuse_rest(literal);
        return false;
    }
    if (literal.synchronizing)
        wire_.write("+ OK\r\n");
    text += "\r\n";
    std::size_t end = text.size() + literal.size;
    while (text.size() < end)
        text += wire_.read_some(end - text.size());
    return true;
}

// A literal that is not wanted: if it comes anyway, it and the rest of the command are read and dropped.
void Session::refuse_rest(const imap::Literal& first) {
    open_literal_.reset();
    std::optional<imap::Literal> literal = first;
    std::uint64_t total = 0;
    while (literal && !literal->synchronizing) {
        total += literal->size;
        if (literal->overflow || total > kMaxDiscarded) {
            wire_.write("* BYE [TOOBIG] Literal is too large\r\n");
            state_ = State::logout;
            return;
        }
        wire_.discard(literal->size);
        literal = imap::announced_literal(wire_.read_line(kMaxLine));
    }
}

// A response code that no offered extension brings stays unsaid.
void Session::send(std::string_view tag, const Reply& reply) {
    std::string_view text = reply.text;
    std::size_t end = text.starts_with('[') ? text.find("] ") : std::string_view::npos;
    if (end != std::string_view::npos) {
        std::string_view code = text.substr(1, std::min(text.find(' '), end) - 1);
        if (!extensions_.allows(imap::Place::code, code))
            text.remove_prefix(end + 2);
    }
    wire_.write(fmt::format("{} {} {}\r\n", tag, status_word(reply.status), text));
}

void Session::select(std::unique_ptr<Selected> selected) {
    selected_ = std::move(selected);
    opened_.reset();
    state_ = State::selected;
}

std::unique_ptr<Selected> Session::take_selected() {
    std::unique_ptr<Selected> taken = std::move(selected_);
    unselect();
    return taken;
}

void Session::unselect() {
    selected_.reset();
    opened_.reset();
    if (state_ == State::selected)
        state_ = State::authenticated;
}

void Session::report(bool expunges) {
    store::Result<void> reported = selected_->report(wire_, expunges);
    if (reported)
        return;
    if (reported.error().kind == store::Failure::Kind::not_found)
        throw MailboxGone{};
    logging::warning("{}", reported.error().text);
}

void Session::rest() {
    opened_.reset();
    if (selected_)
        selected_->mailbox().rest();
    account_->rest();
    wire_.flush();
    wire_.rest();
    malloc_trim(0);
}

store::Result<Session::Opened*> Session::open_message(std::uint32_t uid) {
    if (!opened_ || opened_->uid != uid) {
        opened_.reset();
        store::Result<store::Content> content = selected_->mailbox().content(uid);
        if (!content)
            return std::unexpected(content.error());
        opened_.emplace();
        opened_->uid = uid;
        opened_->content = std::move(*content);
    }
    return &*opened_;
}

const message::Structure& Session::structure_of(Opened& opened) {
    if (!opened.structure)
        opened.structure = message::parse_structure(opened.content.text());
    return *opened.structure;
}

}  // namespace imapd
