// What a coroutine sleeps on at a stream: a line, some octets, so many octets, room to write.
#include "lib/event/stream_impl.h"
#include "lib/log/log.h"

namespace event {

StreamWait::StreamWait(Stream::Impl& stream, bool writes)
    : LoopWaiter(stream.loop), stream_(stream), slot_(writes ? stream.writer : stream.reader) {}

bool StreamWait::ready_now() { return !stream_.took_its_turn() && satisfied(); }

bool StreamWait::sleep() {
    if (slot_ != nullptr)
        logging::panic("two coroutines wait for the same direction of one stream");
    if (stream_.took_its_turn()) {
        event_active(stream_.ready_event, EV_TIMEOUT, 0);  // looked at again after the others
    } else {
        stream_.send_pending();
        if (satisfied())
            return false;
        stream_.give_back_buffer();
    }
    slot_ = this;
    deadline_ = stream_.wait_deadline();
    if (deadline_ != Clock::time_point::max())
        stream_.arm_timer(deadline_);
    return true;
}

void StreamWait::wake() {
    if (slot_ != this)
        return;  // woken already
    slot_ = nullptr;
    loop_.schedule(handle_);
}

void StreamWait::cancel() { wake(); }

void StreamWait::finish() {
    end_wait();
    if (timed_out_)
        throw StreamError(StreamError::Kind::timeout, "timeout");
}

void Stream::Impl::on_timer() {
    timer_at = Clock::time_point::max();
    Clock::time_point now = Clock::now(), next = Clock::time_point::max();
    for (StreamWait* waiter : {reader, writer}) {
        if (waiter == nullptr)
            continue;
        if (waiter->deadline_ <= now) {
            waiter->timed_out_ = true;
            waiter->wake();
        } else {
            next = std::min(next, waiter->deadline_);
        }
    }
    if (next != Clock::time_point::max())
        arm_timer(next);
}

bool Stream::LineWait::satisfied() {
    for (;;) {
        std::string_view have = stream_.buffered();
        end_ = have.find('\n', scanned_);
        if (end_ != std::string_view::npos || have.size() > max_ + 2 || stream_.error || stream_.eof)
            return true;
        scanned_ = have.size();
        if (!stream_.fill())
            return false;
    }
}

std::optional<Line> Stream::LineWait::await_resume() {
    finish();
    std::string_view have = stream_.buffered();
    if (end_ == std::string_view::npos) {
        if (have.size() > max_ + 2)
            throw StreamError(StreamError::Kind::too_long, "line too long");
        if (stream_.error)
            throw *stream_.error;
        if (have.empty())
            return std::nullopt;
        throw StreamError(StreamError::Kind::eof, "lost connection in the middle of a line");
    }
    Line line;
    line.text = have.substr(0, end_);
    line.crlf = line.text.ends_with('\r');
    if (line.crlf)
        line.text.remove_suffix(1);
    if (line.text.size() > max_)
        throw StreamError(StreamError::Kind::too_long, "line too long");
    stream_.in_start += end_ + 1;
    return line;
}

bool Stream::SomeWait::satisfied() {
    while (stream_.buffered().empty() && !stream_.error && !stream_.eof)
        if (!stream_.fill())
            return false;
    return true;
}

std::string_view Stream::SomeWait::await_resume() {
    finish();
    if (stream_.buffered().empty() && stream_.error)
        throw *stream_.error;
    return stream_.buffered();
}

bool Stream::ExactWait::satisfied() {
    while (stream_.buffered().size() < octets_ && !stream_.error && !stream_.eof)
        if (!stream_.fill())
            return false;
    return true;
}

std::string_view Stream::ExactWait::await_resume() {
    finish();
    std::string_view have = stream_.buffered();
    if (have.size() < octets_) {
        if (stream_.error)
            throw *stream_.error;
        throw StreamError(StreamError::Kind::eof, "lost connection in the middle of data");
    }
    stream_.in_start += octets_;
    return have.substr(0, octets_);
}

bool Stream::WriteWait::satisfied() {
    stream_.send_pending();
    return stream_.error || stream_.unsent() <= limit_;
}

void Stream::WriteWait::await_resume() {
    finish();
    if (stream_.error)
        throw *stream_.error;
}

}  // namespace event
