#include "smtpd/dmarc_report/collector.h"

#include <utility>

#include "lib/event/error.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace dmarc_report {
namespace {

using namespace std::chrono_literals;
using ipc::records::DmarcObservation;

constexpr std::size_t kMaxRecord = 256 << 10;
constexpr std::size_t kMaxWaiting = 50'000;

}  // namespace

event::Task<void> Collector::serve(event::Stream stream, worker::Client& seat) {
    ipc::Channel channel{std::move(stream)};
    try {
        for (;;) {
            seat.set(worker::Client::State::between_requests);
            const std::optional<std::string_view> frame = co_await channel.next_frame(kMaxRecord);
            if (!frame)
                co_return;
            auto observation = ipc::decode<DmarcObservation>(*frame);
            if (!observation) {
                logging::warning("client of private/dmarc-report: {}", observation.error());
                co_return;
            }
            add(std::move(*observation));
        }
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::eof && error.kind() != event::StreamError::Kind::cancelled)
            logging::warning("client of private/dmarc-report: {}", error.what());
    }
}

void Collector::add(DmarcObservation observation) {
    if (waiting_.size() >= kMaxWaiting) {
        ++dropped_;
        return;
    }
    waiting_.push_back(std::move(observation));
    if (writing_)
        return;
    writing_ = true;
    jail_.hold();
    jail_.loop().spawn(write_later());
}

event::Task<void> Collector::write_later() {
    while (!waiting_.empty()) {
        if (!jail_.leaving())
            co_await event::Sleep(jail_.loop(), 1000ms);
        const std::vector<DmarcObservation> batch = std::exchange(waiting_, {});
        auto job = [this, &batch] { return store_.add(batch); };
        const std::expected<void, std::string> done = co_await pool_.run(std::move(job));
        if (!done)
            logging::warning("{}; {} results of DMARC are lost", done.error(), batch.size());
        if (const std::size_t dropped = std::exchange(dropped_, 0); dropped > 0)
            logging::warning("{} results of DMARC are lost: they came faster than they could be written", dropped);
    }
    writing_ = false;
    jail_.release();
}

}  // namespace dmarc_report
