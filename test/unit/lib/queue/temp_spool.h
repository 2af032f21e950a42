// A spool in a directory of its own that goes away with the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "lib/queue/spool.h"

namespace queue_test {

class TempSpool {
  public:
    TempSpool() {
        char name[] = "/tmp/malleposte-queue-XXXXXX";
        path_ = mkdtemp(name);
        auto opened = queue::Spool::open(path_);
        spool_ = std::make_unique<queue::Spool>(std::move(*opened));
        static_cast<void>(spool_->create_directories());
    }
    ~TempSpool() { std::filesystem::remove_all(path_); }

    queue::Spool& spool() { return *spool_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    std::unique_ptr<queue::Spool> spool_;
};

inline queue::Envelope sample_envelope(const std::string& id) {
    queue::Envelope envelope;
    envelope.queue_id = id;
    envelope.mail.arrival_us = 1'700'000'000'123'456;
    envelope.mail.sender = "alice@example.test";
    envelope.mail.client.name = "client.example.test";
    envelope.mail.client.address = "192.0.2.7";
    envelope.recipients.push_back({"bob@example.test", "Bob@example.test", "rfc822;bob@example.test", 6});
    envelope.recipients.push_back({"carol@example.test", "", "", 0});
    return envelope;
}

inline std::string write_message(TempSpool& temp, const std::string& id, std::string_view content,
    const queue::Envelope& envelope, queue::QueueName queue = queue::QueueName::incoming) {
    auto writer = temp.spool().create(queue, id);
    static_cast<void>(writer->append(content));
    const auto claim = writer->commit(queue::encode_envelope(envelope), envelope.mail.arrival_us, false);
    return claim ? temp.path() + "/" + writer->path() : std::string{};
}

}  // namespace queue_test
