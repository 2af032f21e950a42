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

#include "lib/fields/print.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/spool.h"
#include "lib/text/text.h"
#include "lib/worker/command.h"

namespace {

class Postcat {
  public:
    Postcat(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void usage() { command_.fatal(EX_USAGE, "usage: postcat [-behoqv] [-c config_dir] [file ...]"); }
    void show(const std::string& name, int file);
    void show_envelope(const queue::Message& message);
    void show_statuses(const queue::Message& message);
    void show_content(int file, const queue::Layout& layout);
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

void Postcat::show_envelope(const queue::Message& message) {
    const queue::Envelope& envelope = message.envelope;
    offset_ = message.layout.envelope_offset;
    const auto arrival = static_cast<std::time_t>(envelope.mail.arrival_us / 1'000'000);
    char date[64] = "?";
    std::tm local{};
    if (localtime_r(&arrival, &local) != nullptr)
        strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &local);
    field("message_size", std::to_string(message.layout.content_length));
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

void Postcat::show_statuses(const queue::Message& message) {
    offset_ = message.layout.status_offset();
    for (const queue::Status& status : message.statuses) {
        const bool one = status.recipient < message.envelope.recipients.size();
        const std::string whom = one ? message.envelope.recipients[status.recipient].address : "the sender";
        field("delivery_status", whom + " " + outcome_name(status.outcome) + " " + status.dsn + " " + status.text);
    }
    if (message.torn)
        field("delivery_status", "the records behind this are damaged");
}

// Line by line, without the CR of each end.
void Postcat::show_content(int file, const queue::Layout& layout) {
    std::string pending, block(65536, '\0');
    bool in_header = true;
    std::uint64_t line_at = layout.content_offset;
    for (std::uint64_t done = 0; done < layout.content_length;) {
        const std::size_t want = std::min<std::uint64_t>(block.size(), layout.content_length - done);
        const ssize_t got = pread(file, block.data(), want, static_cast<off_t>(layout.content_offset + done));
        if (got <= 0)
            command_.fatal(EX_IOERR, "read: {}", got < 0 ? std::strerror(errno) : "the file has become shorter");
        done += static_cast<std::uint64_t>(got);
        pending.append(block, 0, static_cast<std::size_t>(got));
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

void Postcat::show(const std::string& name, int file) {
    const auto message = queue::read_message(file, queue::Verify::content_too);
    if (!message)
        command_.fatal(EX_DATAERR, "{}: {}", name, message.error().text);
    if (envelope_) {
        printf("*** ENVELOPE RECORDS %s ***\n", name.c_str());
        show_envelope(*message);
    }
    if (envelope_ && (header_ || body_))
        printf("*** MESSAGE CONTENTS %s ***\n", name.c_str());
    if (header_ || body_)
        show_content(file, message->layout);
    if (envelope_) {
        printf("*** HEADER EXTRACTED %s ***\n", name.c_str());
        show_statuses(*message);
        printf("*** MESSAGE FILE END %s ***\n", name.c_str());
    }
}

int Postcat::run() {
    if (names_.empty())
        show("stdin", STDIN_FILENO);
    const auto spool = search_ ? queue::Spool::open(".") : queue::Spool::open("/");
    for (const std::string& name : names_) {
        std::string path = name;
        if (search_) {
            const auto where = queue::is_queue_id(name) && spool ? spool->find(name) : std::nullopt;
            if (!where)
                command_.fatal(EX_NOINPUT, "open queue file {}: No such file or directory", name);
            path = *where + "/" + name;
        }
        const event::Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!file)
            command_.fatal(EX_NOINPUT, "open queue file {}: {}", path, std::strerror(errno));
        show(path, file.get());
    }
    if (fflush(stdout) != 0)
        command_.fatal(EX_IOERR, "standard output: {}", std::strerror(errno));
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    Postcat program{argc, argv};
    return program.run();
}
