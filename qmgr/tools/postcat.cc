// postcat - shows a queue file in readable form.
//
// Security    reads with the rights of its user; queue files are open to the mail owner and root only.
// Manual      postcat(1)
#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "lib/command/command.h"
#include "lib/fields/print.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/spool.h"
#include "lib/text/text.h"
#include "lib/worker/command.h"

namespace {

constexpr const char* kUsage = "usage: postcat [-behoqv] [-c config_dir] [file ...]";

class Postcat {
  public:
    Postcat(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void usage() { command_.fatal(EX_USAGE, "{}", kUsage); }
    void show_file(const std::string& name, event::Fd file);
    void show(const std::string& name, const queue::Message& message, const queue::Layout& layout,
        const queue::FileContent& content);
    void show_envelope(const queue::Message& message, const queue::Layout& layout);
    void show_statuses(const queue::Message& message, const queue::Layout& layout);
    void show_content(const queue::FileContent& content);
    void find_and_show(const queue::Spool& spool, const std::string& id);
    void put(std::uint64_t offset, const std::string& line);
    void field(const char* name, const std::string& value, bool always = false);
    void attribute(std::string_view name, const std::string& value);
    void show_recipient(envelope::Recipient recipient);

    worker::Command command_{"postcat"};
    config::CommonParams params_;
    bool envelope_ = false, header_ = false, body_ = false;
    bool offsets_ = false, search_ = false;
    std::uint64_t offset_ = 0;  // of the part that is being shown
    std::vector<std::string> names_;
};

Postcat::Postcat(int argc, char** argv) {
    for (int option = 0; (option = getopt(argc, argv, "bc:ehoqv")) != -1;) {
        switch (option) {
        case 'b': body_ = true; break;
        case 'c': command_.use_config(optarg); break;
        case 'e': envelope_ = true; break;
        case 'h': header_ = true; break;
        case 'o': offsets_ = true; break;
        case 'q': search_ = true; break;
        case 'v': break;
        default: usage();
        }
    }
    if (!body_ && !envelope_ && !header_)
        body_ = envelope_ = header_ = true;
    names_.assign(argv + optind, argv + argc);
    if (search_ && names_.empty())
        usage();
    if (search_)
        command_.enter_queue(params_);
    else
        command_.load(params_);
}

void Postcat::put(std::uint64_t offset, const std::string& line) {
    if (offsets_)
        printf("%9llu ", static_cast<unsigned long long>(offset));
    fwrite(line.data(), 1, line.size(), stdout);
    putchar('\n');
}

void Postcat::field(const char* name, const std::string& value, bool always) {
    if (always || !value.empty())
        put(offset_, std::string(name) + ": " + text::printable(value));
}

void Postcat::attribute(std::string_view name, const std::string& value) {
    if (!value.empty())
        put(offset_, "named_attribute: " + std::string(name) + "=" + text::printable(value));
}

void Postcat::show_envelope(const queue::Message& message, const queue::Layout& layout) {
    const queue::Envelope& envelope = message.envelope;
    offset_ = layout.envelope_offset;
    const auto arrival = static_cast<std::time_t>(envelope.mail.arrival_us / 1'000'000);
    char date[64] = "?";
    std::tm local{};
    if (localtime_r(&arrival, &local) != nullptr)
        strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &local);
    field("message_size", std::to_string(layout.content_length));
    field("message_arrival_time", date);
    // By the lists of lib/envelope: what is added there shows here.
    queue::Envelope once = envelope;
    once.recipients.clear();
    once.expanded.clear();
    fields::print(once, [&](std::string_view name, const std::string& value) {
        if (name != "sender")
            attribute(name, value);
    });
    for (const envelope::Recipient& expanded : envelope.expanded)
        attribute("expanded_recipient", expanded.address);
    field("sender", envelope.mail.sender, true);
    for (const envelope::Recipient& recipient : envelope.recipients)
        show_recipient(recipient);
}

// The address itself comes last: that is where one recipient ends for whoever reads this by program.
void Postcat::show_recipient(envelope::Recipient recipient) {
    recipient.original = recipient.given();
    fields::print(recipient, [&](std::string_view name, const std::string& value) {
        if (name == "original_recipient")
            field("original_recipient", value);
        else if (name != "recipient")
            attribute(name, value);
    });
    field("recipient", recipient.address, true);
}

const char* outcome_name(queue::Outcome outcome) {
    switch (outcome) {
    case queue::Outcome::delivered: return "delivered";
    case queue::Outcome::deferred: return "deferred";
    case queue::Outcome::bounced: return "bounced";
    case queue::Outcome::reported: return "reported";
    case queue::Outcome::delay_reported: return "delay reported";
    }
    return "?";
}

void Postcat::show_statuses(const queue::Message& message, const queue::Layout& layout) {
    offset_ = layout.status_offset();
    for (const queue::Status& status : message.statuses) {
        const bool one = status.recipient < message.envelope.recipients.size();
        const std::string whom = one ? message.envelope.recipients[status.recipient].address : "the sender";
        field("delivery_status", whom + " " + outcome_name(status.outcome) + " " + status.dsn + " " + status.text);
    }
    if (message.torn)
        field("delivery_status", "the records behind this are damaged");
}

// Line by line, without the CR of each end.
void Postcat::show_content(const queue::FileContent& content) {
    std::string pending;
    bool in_header = true;
    std::uint64_t line_at = content.place().offset;
    queue::FileContent::Reader reader{content};
    for (;;) {
        const auto block = reader.next();
        if (!block)
            command_.fatal(EX_IOERR, "{}", block.error());
        if (block->empty())
            break;
        pending.append(*block);
        std::size_t at = 0;
        for (std::size_t end = pending.find("\r\n"); end != std::string::npos; end = pending.find("\r\n", at)) {
            const std::string line = pending.substr(at, end - at);
            if (line.empty() && in_header)
                in_header = false;  // the empty line is the body's first
            if (in_header ? header_ : body_)
                put(line_at, line);
            line_at += end + 2 - at;
            at = end + 2;
        }
        pending.erase(0, at);
    }
}

void Postcat::show(
    const std::string& name, const queue::Message& message, const queue::Layout& layout, const queue::FileContent& content) {
    if (envelope_) {
        printf("*** ENVELOPE RECORDS %s ***\n", name.c_str());
        show_envelope(message, layout);
    }
    if (envelope_ && (header_ || body_))
        printf("*** MESSAGE CONTENTS %s ***\n", name.c_str());
    if (header_ || body_)
        show_content(content);
    if (envelope_) {
        printf("*** HEADER EXTRACTED %s ***\n", name.c_str());
        show_statuses(message, layout);
        printf("*** MESSAGE FILE END %s ***\n", name.c_str());
    }
}

void Postcat::show_file(const std::string& name, event::Fd file) {
    const auto read = queue::read_message(file.get(), queue::Verify::content_too);
    if (!read)
        command_.fatal(EX_DATAERR, "{}: {}", name, read.error().text);
    const queue::FileContent content{std::move(file), read->layout.content()};
    show(name, *read, read->layout, content);
}

void Postcat::find_and_show(const queue::Spool& spool, const std::string& id) {
    const auto seen = spool.look(id, queue::Verify::content_too);
    if (!seen)
        command_.fatal(EX_NOINPUT, "open queue file {}: No such file or directory", id);
    if (!*seen)
        command_.fatal(EX_DATAERR, "{}: {}", id, seen->error().text);
    show((*seen)->label, (*seen)->message, (*seen)->layout, (*seen)->content);
}

int Postcat::run() {
    if (names_.empty())
        show_file("stdin", event::Fd{dup(STDIN_FILENO)});
    const auto spool = queue::Spool::open(search_ ? "." : "/");
    if (!spool)
        command_.fatal(EX_UNAVAILABLE, "{}", spool.error().text);
    for (const std::string& name : names_) {
        if (search_) {
            find_and_show(*spool, name);
            continue;
        }
        event::Fd file{open(name.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file)
            command_.fatal(EX_NOINPUT, "open queue file {}: {}", name, std::strerror(errno));
        show_file(name, std::move(file));
    }
    if (fflush(stdout) != 0)
        command_.fatal(EX_IOERR, "standard output: {}", std::strerror(errno));
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Postcat program{argc, argv};
    return program.run();
}
