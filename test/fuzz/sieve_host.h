// test/fuzz/sieve_host.h - a host that answers every question of a fuzzed script, and limits that end it soon.
#pragma once

#include <chrono>

#include "lib/sieve/host.h"
#include "lib/sieve/interpreter.h"
#include "lib/sieve/notify.h"
#include "lib/sieve/vacation.h"

namespace fuzz {

class AnswerAll final : public sieve::Host {
  public:
    const sieve::Envelope& envelope() const override { return envelope_; }
    std::optional<std::string> environment(std::string_view item) const override { return std::string(item); }
    bool mailbox_exists(std::string_view name) override { return name.size() % 2 == 0; }
    bool mailbox_id_exists(std::string_view) override { return true; }
    bool special_use_exists(std::optional<std::string_view>, std::span<const std::string>) override { return true; }
    std::optional<std::string> metadata(std::optional<std::string_view>, std::string_view name) override {
        return std::string(name);
    }
    bool is_external_list(std::string_view) override { return true; }
    bool in_external_list(std::string_view, std::string_view value) override { return value.size() % 2 == 0; }
    bool seen_recently(std::string_view id) override { return id.size() % 2 == 0; }
    std::int64_t now() const override { return 1'800'000'000; }
    int zone_minutes() const override { return 120; }
    std::vector<std::string> message_flags() const override { return {"\\Seen"}; }

  private:
    sieve::Envelope envelope_{"sender@example.test", "alice+x@example.test", "", ""};
};

inline sieve::Settings tight_settings() {
    sieve::Settings settings;
    settings.limits.script_octets = 65536;
    settings.limits.instructions = 20'000;
    settings.limits.cpu_time = std::chrono::milliseconds(500);
    settings.limits.memory_octets = 4 * 1024 * 1024;
    settings.limits.regex_steps = 10'000;
    settings.limits.string_octets = 16 * 1024;
    settings.vacation_check_recipient = false;
    settings.spam.status_header = "X-Spam:score=([0-9.]+)";
    settings.spam.max_value = 10;
    return settings;
}

// A header that we make has no line that begins with neither a field name nor a blank.
inline void require_sound_header(std::string_view content) {
    std::size_t at = 0;
    while (at < content.size()) {
        std::size_t end = content.find("\r\n", at);
        std::string_view line = content.substr(at, end == std::string_view::npos ? end : end - at);
        if (line.empty())
            return;
        if (line.find('\n') != std::string_view::npos || line.find('\r') != std::string_view::npos ||
            line.find('\0') != std::string_view::npos)
            __builtin_trap();
        if (line.front() != ' ' && line.front() != '\t' && line.find(':') == std::string_view::npos)
            __builtin_trap();
        if (end == std::string_view::npos)
            return;
        at = end + 2;
    }
}

// What delivery would do with the actions, short of doing it.
inline void perform(
    const sieve::Outcome& outcome, const sieve::Message& message, const AnswerAll& host, const sieve::Settings& settings) {
    std::vector<std::string> notified;
    for (const sieve::Action& action : outcome.actions) {
        if (sieve::format_action(action).find('\n') != std::string::npos)
            __builtin_trap();
        if (action.content(message).size() < message.body().size())
            __builtin_trap();
        if (action.kind == sieve::Action::Kind::vacation)
            require_sound_header(sieve::answer(action, message, host.envelope(), settings, 0, "id").reply.content);
        if (action.kind == sieve::Action::Kind::notify)
            for (const auto& sent :
                sieve::notification(action, message, host.envelope(), settings, 0, "id", notified).messages)
                require_sound_header(sent.content);
        if (action.kind == sieve::Action::Kind::redirect)
            sieve::redirection(action, message, host.envelope(), settings);
        if (action.kind == sieve::Action::Kind::reject)
            for (const auto& sent : sieve::rejection(action, message, host.envelope(), settings, 0, "id").messages)
                require_sound_header(sent.content);
        if (action.kind == sieve::Action::Kind::report)
            for (const auto& sent : sieve::abuse_report(action, message, host.envelope(), settings, 0, "id").messages)
                require_sound_header(sent.content);
    }
    // Whatever happens, nothing is lost: a run that did not finish keeps the message.
    if (outcome.status == sieve::Outcome::Status::failed && !outcome.keeps())
        __builtin_trap();
}

constexpr std::string_view kMessage =
    "From: Alice <alice@example.test>\r\nTo: bob@example.test, carol+x@example.test\r\nSubject: =?utf-8?q?B=C3=BCro?= "
    "a*b\r\n"
    "Message-ID: <1@example.test>\r\nDate: Mon, 20 Jul 2026 21:44:43 +0200\r\nX-Spam: score=7.5\r\nMIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=x\r\n\r\npre\r\n--x\r\nContent-Type: text/plain; "
    "charset=iso-8859-1\r\n\r\nHello\r\n"
    "--x\r\nContent-Type: text/html\r\n\r\n<p>Hi &amp; bye</p>\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
    "in\r\n\r\nbody\r\n"
    "--x--\r\nepi\r\n";

}  // namespace fuzz
