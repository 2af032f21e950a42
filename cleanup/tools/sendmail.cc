// sendmail - the command that programs expect for sending mail, listing the queue and rebuilding aliases.
//
// Security    no rights of its own: it prepares a message and hands it to postdrop, which has. Options that name files
//             or choose a configuration act with the user's rights only; postdrop restricts -C.
// Manual      sendmail(1)
#include <fcntl.h>
#include <pwd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "cleanup/tools/frames.h"
#include "cleanup/tools/submission.h"
#include "lib/address/mailbox_list.h"
#include "lib/address/path.h"
#include "lib/command/command.h"
#include "lib/event/fd.h"
#include "lib/file/write.h"
#include "lib/ipc/record.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/text/text.h"
#include "lib/text/xtext.h"
#include "lib/worker/command.h"

namespace {

constexpr const char* kUsage = "usage: sendmail [options] [recipient ...]";

using ipc::records::CleanupContent;
using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupRecipients;
using ipc::records::CleanupReply;

constexpr std::size_t kBlock = 32768;
constexpr std::size_t kRecipients = 1000;  // in one record

enum class Mode { send, list, aliases, smtp, daemon, flush, flush_id, flush_site };

class Sendmail {
  public:
    Sendmail(int argc, char** argv);
    int run();

  private:
    template <class... Args>
    [[noreturn]] void fatal(int status, fmt::format_string<Args...> format, Args&&... args) {
        command_.fatal(
            status, "{}({}): {}", worker::user_name(getuid()), getuid(), fmt::format(format, std::forward<Args>(args)...));
    }
    void take_options(int argc, char** argv);
    void take_option(int option, const char* argument);
    void take_mode(const char* argument);
    void take_queue_option(const char* argument);
    void take_o_option(const char* argument);
    std::uint32_t parse_notify(const char* argument);
    std::string parse_envid(const char* argument);
    void add_recipient(std::vector<envelope::Recipient>& recipients, const std::string& address) const;
    [[noreturn]] void become(const std::string& program, std::vector<std::string> arguments);
    [[noreturn]] void run_other_program();
    CleanupOpen make_open();
    std::string full_name() const;
    std::string sender_address();
    void start_postdrop();
    void send_record(const std::string& frame);
    void send_content();
    void send_header_recipients(const std::vector<std::string>& addresses);
    int finish();

    worker::Command command_{"sendmail"};
    config::CommonParams params_;
    Mode mode_ = Mode::send;
    std::string mode_argument_;
    std::vector<std::string> arguments_;  // recipients, or files for -bi
    std::optional<std::string> sender_;
    std::optional<std::string> full_name_;
    std::string alias_database_;
    envelope::Mail mail_;            // of the message to be sent
    envelope::Recipient recipient_;  // what is the same for each
    bool dot_ends_ = true;
    bool extract_ = false;
    bool gateway_ = false;
    bool eight_bit_ = false;
    pid_t postdrop_ = -1;
    event::Fd to_postdrop_, from_postdrop_;
};

void Sendmail::take_mode(const char* argument) {
    const std::string_view mode = argument;
    if (mode == "p")
        mode_ = Mode::list;
    else if (mode == "i")
        mode_ = Mode::aliases;
    else if (mode == "s")
        mode_ = Mode::smtp;
    else if (mode == "d" || mode == "l")
        mode_ = Mode::daemon;
    else if (mode == "m")
        mode_ = Mode::send;
    else if (mode != "h" && mode != "H")  // there is no host status to show or purge
        fatal(EX_USAGE, "unsupported: -b{}", mode);
}

void Sendmail::take_queue_option(const char* argument) {
    if (argument[0] == 'I' || argument[0] == 'R') {
        mode_ = argument[0] == 'I' ? Mode::flush_id : Mode::flush_site;
        mode_argument_ = argument + 1;
        if (mode_argument_.empty())
            fatal(EX_USAGE, "specify: -q, -qIqueueid, or -qRsite");
    } else if (argument[0] == 'S') {
        fatal(EX_USAGE, "unsupported: -q{}", argument);
    }
    // An interval is accepted: queue_run_delay says how often.
}

void Sendmail::take_o_option(const char* argument) {
    switch (argument[0]) {
    case 'A':
        alias_database_ = argument + 1;
        if (alias_database_.empty())
            fatal(EX_USAGE, "-oA requires pathname");
        break;
    case 'i': dot_ends_ = false; break;
    case '7':
    case '8':
    default: break;  // sendmail(1): parameters of main.cf take their place
    }
}

std::uint32_t Sendmail::parse_notify(const char* argument) {
    // Blanks between the words, or around the commas, are no matter.
    std::string words;
    for (const std::string_view word : text::split(argument, ", \t"))
        words.append(words.empty() ? "" : ",").append(word);
    const auto wanted = envelope::parse_notify(words);
    if (!wanted)
        fatal(EX_USAGE,
            "bad -N option value -- specify \"never\", or one or more of \"success\", \"failure\", "
            "\"delay\"");
    return *wanted;
}

// Plain text, as in Postfix.
std::string Sendmail::parse_envid(const char* argument) {
    const std::string envid = text::encode_xtext(argument);
    if (!envelope::is_envid(envid))
        fatal(EX_USAGE, "bad -V option value -- at most 100 printable characters of ASCII");
    return envid;
}

void Sendmail::take_option(int option, const char* argument) {
    switch (option) {
    case 'b': take_mode(argument); break;
    case 'C':
        command_.use_config(std::string_view{argument}.ends_with("/main.cf") ? std::string(argument, strlen(argument) - 8)
                                                                             : std::string(argument));
        break;
    case 'f':
    case 'r': sender_ = argument; break;
    case 'F': full_name_ = argument; break;
    case 'I':
    case 'l': mode_ = Mode::aliases; break;
    case 'i': dot_ends_ = false; break;
    case 't': extract_ = true; break;
    case 'G': gateway_ = true; break;
    case 'B':
        eight_bit_ = text::equal_ignoring_case(argument, "8BITMIME");
        if (!eight_bit_ && !text::equal_ignoring_case(argument, "7BIT"))
            fatal(EX_USAGE, "-B option needs 7BIT or 8BITMIME, not {}", argument);
        break;
    case 'N': recipient_.notify = parse_notify(argument); break;
    case 'R':
        mail_.ret = envelope::parse_ret(argument).value_or(envelope::Ret::unsaid);
        if (mail_.ret == envelope::Ret::unsaid)
            fatal(EX_USAGE, "-R requires \"full\" or \"hdrs\"");
        break;
    case 'V': mail_.envid = parse_envid(argument); break;
    case 'q': take_queue_option(argument); break;
    case 'o': take_o_option(argument); break;
    case 'X':
        if (argument[0] == 'V')
            fatal(EX_USAGE, "-XV (VERP) is not supported");
        break;
    case '?': fatal(EX_USAGE, "{}", kUsage);
    default: break;  // those that sendmail(1) lists as ignored
    }
}

void Sendmail::take_options(int argc, char** argv) {
    // "-q" alone takes no argument, although "-qIid" has one.
    std::vector<char*> words;
    bool flush = false;
    bool options = true;
    for (int i = 0; i < argc; ++i) {
        const std::string_view word = argv[i];
        options = options && word != "--";
        if (i > 0 && options && word == "-q")
            flush = true;
        else
            words.push_back(argv[i]);
    }
    words.push_back(nullptr);
    const int count = static_cast<int>(words.size()) - 1;
    opterr = 0;
    for (int option = 0; (option = getopt(count, words.data(), "A:B:C:F:GIL:N:O:R:UV:X:b:ce:f:h:ilmno:p:r:q:tvx")) != -1;)
        take_option(option, optarg);
    if (flush)
        mode_ = Mode::flush;
    arguments_.assign(words.data() + optind, words.data() + count);
}

Sendmail::Sendmail(int argc, char** argv) {
    const std::string_view program = argc > 0 && argv[0] != nullptr ? argv[0] : "";
    if (program.ends_with("mailq"))
        mode_ = Mode::list;
    else if (program.ends_with("newaliases"))
        mode_ = Mode::aliases;
    take_options(argc, argv);
    command_.load(params_);
}

void Sendmail::become(const std::string& program, std::vector<std::string> arguments) {
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), program.substr(program.rfind('/') + 1));
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    fatal(EX_OSERR, "cannot execute {}: {}", program, std::strerror(errno));
}

void Sendmail::run_other_program() {
    const std::string config = command_.config_directory();
    const std::string postqueue = params_.command_directory() + "/postqueue";
    switch (mode_) {
    case Mode::list: become(postqueue, {"-c", config, "-p"});
    case Mode::flush: become(postqueue, {"-c", config, "-f"});
    case Mode::flush_id: become(postqueue, {"-c", config, "-i", mode_argument_});
    case Mode::flush_site: become(postqueue, {"-c", config, "-s", mode_argument_});
    case Mode::smtp: become(params_.daemon_directory() + "/smtpd", {"-c", config, "-S"});
    case Mode::daemon: become(params_.command_directory() + "/malleposte", {"-c", config, "start"});
    case Mode::aliases: {
        std::vector<std::string> arguments{"-c", config};
        if (!alias_database_.empty())
            arguments_.push_back(alias_database_);
        if (arguments_.empty())
            arguments_ = config::split_list(command_.main_cf().get("alias_database").value_or(""));
        arguments.insert(arguments.end(), arguments_.begin(), arguments_.end());
        become(params_.command_directory() + "/postalias", std::move(arguments));
    }
    case Mode::send: break;
    }
    fatal(EX_SOFTWARE, "no such mode");
}

// -F, then $NAME, then the password file, where "&" stands for the login name.
std::string Sendmail::full_name() const {
    if (full_name_)
        return *full_name_;
    if (const char* name = getenv("NAME"))
        return name;
    const passwd* user = getpwuid(getuid());
    if (user == nullptr)
        return {};
    std::string name;
    for (const char* at = user->pw_gecos; *at != '\0' && *at != ',' && *at != ';' && *at != '%'; ++at) {
        if (*at != '&') {
            name.push_back(*at);
            continue;
        }
        std::string login = user->pw_name;
        if (!login.empty())
            login[0] = text::to_upper(login[0]);
        name += login;
    }
    return name;
}

std::string Sendmail::sender_address() {
    if (!sender_)
        return worker::user_name(getuid());
    const auto path = address::parse_path(*sender_);
    if (!path || !path->parameters.empty())
        fatal(EX_USAGE, "-f {}: not an address", *sender_);
    return path->mailbox.text();
}

void Sendmail::add_recipient(std::vector<envelope::Recipient>& recipients, const std::string& address) const {
    recipients.push_back(recipient_);
    recipients.back().address = address;
}

CleanupOpen Sendmail::make_open() {
    CleanupOpen open;
    open.mail = mail_;
    open.mail.sender = sender_address();
    open.mail.flags = (gateway_ ? 0u : envelope::kLocalOrigin) | (eight_bit_ ? envelope::kEightBit : 0u);
    open.full_name = full_name().substr(0, 1000);
    for (const std::string& argument : arguments_) {
        for (const address::Mailbox& mailbox : address::parse_mailbox_list(argument))
            add_recipient(open.recipients, mailbox.text());
    }
    return open;
}

void Sendmail::start_postdrop() {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0)
        fatal(EX_OSERR, "pipe: {}", std::strerror(errno));
    postdrop_ = fork();
    if (postdrop_ < 0)
        fatal(EX_OSERR, "fork: {}", std::strerror(errno));
    if (postdrop_ == 0) {
        dup2(down[0], STDIN_FILENO);
        dup2(up[1], STDOUT_FILENO);
        become(params_.command_directory() + "/postdrop", {"-c", command_.config_directory(), "-r"});
    }
    to_postdrop_.reset(down[1]);
    from_postdrop_.reset(up[0]);
    close(down[0]);
    close(up[1]);
}

// A postdrop that has refused already has written why.
void Sendmail::send_record(const std::string& frame) {
    if (to_postdrop_ && !file::write_all(to_postdrop_.get(), frame))
        to_postdrop_.reset();
}

void Sendmail::send_content() {
    tools::Submission submission{dot_ends_, extract_};
    std::string block(kBlock, '\0');
    bool more = true;
    while (more) {
        const ssize_t got = read(STDIN_FILENO, block.data(), block.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fatal(EX_IOERR, "standard input: {}", std::strerror(errno));
        CleanupContent part;
        more = got > 0 && submission.feed(std::string_view{block}.substr(0, static_cast<std::size_t>(got)), part.octets);
        if (!more)
            submission.finish(part.octets);
        if (!part.octets.empty())
            send_record(ipc::encode(part));
    }
    send_header_recipients(submission.recipients());
}

void Sendmail::send_header_recipients(const std::vector<std::string>& addresses) {
    if (extract_ && addresses.empty() && arguments_.empty())
        fatal(EX_USAGE, "No recipient addresses found in message header");
    CleanupRecipients some;
    for (const std::string& one : addresses) {
        add_recipient(some.recipients, one);
        if (some.recipients.size() == kRecipients) {
            send_record(ipc::encode(some));
            some.recipients.clear();
        }
    }
    if (!some.recipients.empty())
        send_record(ipc::encode(some));
}

int Sendmail::finish() {
    send_record(ipc::encode(CleanupEnd{}));
    const auto frame = tools::read_frame(from_postdrop_.get(), 65536);
    int status = 0;
    waitpid(postdrop_, &status, 0);
    const auto reply = frame ? ipc::decode<CleanupReply>(*frame) : std::unexpected(std::string("no answer"));
    if (!reply)
        fatal(EX_TEMPFAIL, "postdrop could not take the message: {}", reply.error());
    if (reply->code == 250)
        return EX_OK;
    const int exit_status = reply->code < 500       ? EX_TEMPFAIL
                            : reply->dsn == "5.7.0" ? EX_NOPERM
                            : reply->code == 552    ? EX_UNAVAILABLE
                                                    : EX_DATAERR;
    fatal(exit_status, "{}", reply->reason);
}

int Sendmail::run() {
    if (mode_ != Mode::send)
        run_other_program();
    if (arguments_.empty() && !extract_)
        fatal(EX_USAGE, "Recipient addresses must be specified on the command line or via the -t option");
    const CleanupOpen open = make_open();
    if (open.recipients.empty() && !extract_)
        fatal(EX_USAGE, "{}: not an address", arguments_.front());
    start_postdrop();
    send_record(ipc::encode(open));
    send_content();
    return finish();
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Sendmail program{argc, argv};
    return program.run();
}
