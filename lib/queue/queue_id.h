// lib/queue/queue_id.h - the name of a message, from the SMTP reply to the last log line.
//
// An id says when it was made (microseconds) and is never given twice, not even after the message is gone, the
// machine was restarted, or the clock was set back: each process takes blocks of numbers from one counter file
// in the spool, and the counter is never behind the clock and never goes back.
//
// Two written forms, both shaped like Postfix's so that log tools recognise them: short, upper case hexadecimal
// digits; long (enable_long_queue_ids), seconds and microseconds in base 52, a "z", and a process part.
//
// Failure     parse_queue_id() gives no value for what cannot be a file name here.
// Trust       parse_queue_id() takes text from users and strangers; what it lets through holds only letters and
//             digits and so is safe as a path component.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace queue {

enum class IdForm { short_form, long_form };

bool is_queue_id(std::string_view text);

std::string format_queue_id(std::uint64_t microseconds, IdForm form);

// The time inside an id, for tests and for sorting; none when the text has neither form.
std::optional<std::uint64_t> parse_queue_id_time(std::string_view text);

// Gives ids to one process. Blocking: about one short file access per 4096 ids or per second.
class IdSource {
  public:
    // `counter_path` is a file in the spool that all processes share; it is created when missing.
    IdSource(std::string counter_path, IdForm form) : path_{std::move(counter_path)}, form_{form} {}

    // The next id, or why the counter file could not be used.
    std::expected<std::string, std::string> next();

    using Clock = std::uint64_t (*)();
    void set_clock(Clock clock) { clock_ = clock; }

  private:
    std::expected<void, std::string> take_block(std::uint64_t now);

    std::string path_;
    IdForm form_;
    Clock clock_ = nullptr;
    std::uint64_t next_ = 0;
    std::uint64_t end_ = 0;
};

}  // namespace queue
