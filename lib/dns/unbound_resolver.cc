#include "lib/dns/unbound_resolver.h"

#include <fmt/format.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/dns/message.h"
#include "lib/dns/name.h"
#include "lib/dns/params.h"
#include "lib/event/signal.h"
#include "lib/text/text.h"

namespace dns {
namespace {

constexpr int kClassIn = 1;

RawAnswer failure(std::string name, std::string reason) {
    RawAnswer answer;
    answer.canonical_name = std::move(name);
    answer.reason = std::move(reason);
    return answer;
}

// As libunbound wants them: address@port.
std::expected<std::string, std::string> server_address(std::string_view text) {
    std::string_view host = text, port;
    if (text.starts_with('[')) {
        std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return std::unexpected("the bracket is not closed");
        host = text.substr(1, end - 1);
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':')
                return std::unexpected("only :port may follow the bracket");
            port = text.substr(end + 2);
        }
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        host = text.substr(0, text.find(':'));
        port = text.substr(host.size() + 1);
    }
    if (!dict::parse_ip(host))
        return std::unexpected(fmt::format("\"{}\" is no IP address", host));
    if (host.data() + host.size() == text.data() + text.size() || text.ends_with(']'))
        return std::string(host);
    auto number = text::parse_number(port);
    if (!number || *number == 0 || *number > 65535)
        return std::unexpected(fmt::format("\"{}\" is no port", port));
    return fmt::format("{}@{}", host, port);
}

// libunbound takes a backslash for the beginning of an escape; here names are what they are.
std::string presentation(std::string_view name) {
    std::string text;
    for (char c : name) {
        text += c;
        if (c == '\\')
            text += '\\';
    }
    return text;
}

}  // namespace

struct UnboundResolver::Question {
    Question(UnboundResolver& the_resolver, std::string the_name, Type the_type)
        : resolver(the_resolver), name(std::move(the_name)), type(the_type), answered(the_resolver.loop_) {}
    UnboundResolver& resolver;
    std::string name;
    Type type;
    RawAnswer answer;
    bool done = false;
    event::Notice answered;
};

UnboundResolver::Settings UnboundResolver::settings_of(const Params& params) {
    Settings settings;
    settings.forwarders = params.forwarders();
    settings.root_hints_file = params.root_hints_file();
    settings.trust_anchor_file = params.trust_anchor_file();
    settings.cache_size = params.cache_size();
    settings.question_limit = static_cast<std::size_t>(params.question_limit());
    return settings;
}

UnboundResolver::UnboundResolver(event::Loop& loop, Settings settings) : loop_(loop), settings_(std::move(settings)) {}

UnboundResolver::~UnboundResolver() {
    if (context_ != nullptr)
        ub_ctx_delete(context_);
}

std::expected<std::unique_ptr<UnboundResolver>, std::string> UnboundResolver::make(event::Loop& loop, Settings settings) {
    std::unique_ptr<UnboundResolver> resolver(new UnboundResolver(loop, std::move(settings)));
    std::string reason = resolver->configure();
    if (!reason.empty())
        return std::unexpected(reason);
    return resolver;
}

std::string UnboundResolver::add_servers() {
    if (!settings_.root_hints_file.empty()) {
        if (!settings_.forwarders.empty())
            return "dns_root_hints_file and dns_resolver_forwarders exclude each other";
        if (::access(settings_.root_hints_file.c_str(), R_OK) != 0)
            return fmt::format("dns_root_hints_file: {}: {}", settings_.root_hints_file, std::strerror(errno));
        if (ub_ctx_set_option(context_, "root-hints:", settings_.root_hints_file.c_str()) != 0)
            return fmt::format("dns_root_hints_file: {} cannot be used", settings_.root_hints_file);
        return {};
    }
    if (settings_.forwarders.empty()) {
        int code = ub_ctx_resolvconf(context_, nullptr);
        return code == 0 ? "" : fmt::format("/etc/resolv.conf: {}", ub_strerror(code));
    }
    for (const std::string& server : settings_.forwarders) {
        auto address = server_address(server);
        if (!address)
            return fmt::format("dns_resolver_forwarders: {}: {}", server, address.error());
        if (int code = ub_ctx_set_fwd(context_, address->c_str()); code != 0)
            return fmt::format("dns_resolver_forwarders: {}: {}", server, ub_strerror(code));
    }
    return {};
}

std::string UnboundResolver::configure() {
    context_ = ub_ctx_create_event(loop_.base());
    if (context_ == nullptr)
        return "libunbound cannot be started";
    ub_ctx_debugout(context_, nullptr);
    std::string half = std::to_string(settings_.cache_size / 2), part = std::to_string(settings_.cache_size / 8);
    const std::pair<const char*, std::string> options[] = {
        {"rrset-cache-size:", half},
        {"msg-cache-size:", half},
        {"key-cache-size:", part},
        {"neg-cache-size:", part},
        // Names and addresses inside a site are asked of its own server like all others.
        {"unblock-lan-zones:", "yes"},
        {"insecure-lan-zones:", "yes"},
        {"do-not-query-localhost:", "no"},
        {"outgoing-range:", "256"},
        {"num-queries-per-thread:", "1024"},
        {"outgoing-num-tcp:", "32"},
        // A server that was down is tried again soon.
        {"infra-host-ttl:", "30"},
        {"infra-keep-probing:", "yes"},
        {"target-fetch-policy:", "0 0 0 0 0"},
        {"edns-buffer-size:", "1232"},
    };
    for (const auto& [name, value] : options)
        if (ub_ctx_set_option(context_, name, value.c_str()) != 0)
            return fmt::format("libunbound does not take {} {}", name, value);
    if (std::string reason = add_servers(); !reason.empty())
        return reason;
    if (!settings_.trust_anchor_file.empty()) {
        if (::access(settings_.trust_anchor_file.c_str(), R_OK) != 0)
            return fmt::format("dns_trust_anchor_file: {}: {}", settings_.trust_anchor_file, std::strerror(errno));
        if (int code = ub_ctx_add_ta_file(context_, settings_.trust_anchor_file.c_str()); code != 0)
            return fmt::format("dns_trust_anchor_file: {}: {}", settings_.trust_anchor_file, ub_strerror(code));
    }
    // libunbound knows by itself that .test does not exist; where a site uses it, its server knows better. This also
    // reads the files.
    if (int code = ub_ctx_zone_remove(context_, "test."); code != 0)
        return fmt::format("libunbound: {}", ub_strerror(code));
    // The first question makes the rest; this one has its answer built in.
    auto first = std::make_shared<Question>(*this, "localhost", Type::a);
    ask(first);
    if (first->done && first->answer.status != Status::found)
        return first->answer.reason;
    return {};
}

void UnboundResolver::ask(const std::shared_ptr<Question>& question) {
    under_way_.push_back(question);
    int code = ub_resolve_event(context_, presentation(question->name).c_str(), static_cast<int>(question->type), kClassIn,
        question.get(), &UnboundResolver::on_answer, nullptr);
    if (code == 0 || question->done)
        return;
    std::erase(under_way_, question);
    question->answer = failure(question->name, fmt::format("libunbound: {}", ub_strerror(code)));
    question->done = true;
}

void UnboundResolver::on_answer(void* data, int rcode, void* packet, int length, int security, char* why_bogus, int) {
    auto* question = static_cast<Question*>(data);
    UnboundResolver& resolver = question->resolver;
    auto place = std::find_if(resolver.under_way_.begin(), resolver.under_way_.end(),
        [&](const auto& candidate) { return candidate.get() == question; });
    if (place == resolver.under_way_.end())
        return;
    std::shared_ptr<Question> kept = std::move(*place);
    resolver.under_way_.erase(place);
    if (security == 1) {
        kept->answer = failure(kept->name, why_bogus != nullptr ? why_bogus : "DNSSEC refuses the answer");
        kept->answer.status = Status::bogus;
    } else if (packet == nullptr || length <= 0 || (rcode != 0 && rcode != 3)) {
        kept->answer = failure(kept->name, rcode == 5 ? "REFUSED" : "SERVFAIL");
    } else {
        std::string_view message(static_cast<const char*>(packet), static_cast<std::size_t>(length));
        kept->answer = parse_message(message, kept->name, kept->type);
        kept->answer.secure = security == 2 && kept->answer.status != Status::temporary_failure;
    }
    kept->done = true;
    kept->answered.notify_all();
}

event::Task<RawAnswer> UnboundResolver::query(std::string name, Type type) {
    if (under_way_.size() >= 2 * settings_.question_limit) {
        RawAnswer refused = failure(std::move(name), "too many questions are under way (dns_question_limit)");
        refused.own_limit = true;
        co_return refused;
    }
    auto question = std::make_shared<Question>(*this, std::move(name), type);
    ask(question);
    while (!question->done)
        co_await question->answered.wait();
    RawAnswer answer = std::move(question->answer);
    co_return answer;
}

}  // namespace dns
